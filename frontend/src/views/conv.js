// A convolution that can be played with: input, kernel, output, the products behind every number, gradients, matrix.
import { Layer } from "../conv/arithmetic.js";
import style from "../conv/conv.css";
import { grid, scale } from "../conv/grid.js";
import { lanes } from "../conv/lanes.js";
import { matrix } from "../conv/matrix.js";
import { panel } from "../conv/panel.js";
import { sums } from "../conv/sums.js";
import { readArray } from "../lib/arrays.js";
import { choice, player, slider, tabs, tick } from "../lib/controls.js";
import { element } from "../lib/dom.js";
import { number, tuple } from "../lib/format.js";
import { largest } from "../lib/heat.js";
import { latest } from "../lib/latest.js";

const MODES = [["forward", "Forward"], ["input", "Gradient by input"], ["weight", "Gradient by weight"]];
const LOSSES = [["sum", "sum of all outputs"], ["squares", "half their squares’ sum"]];
const LANES = 4; // channels of a signal shown at once

function render(root, description, context) {
  const given = {
    input: readArray(description.input), weight: readArray(description.weight),
    bias: description.bias ? readArray(description.bias).data : null,
    outs: description.outs, transposed: description.settings.transposed, groups: description.settings.groups,
  };
  const settings = structuredClone(description.settings);
  const [channels, ...sizes] = given.input.shape;
  const flat = sizes.length === 1; // a signal, not an image
  // What is looked at: output cell `at` in mode forward, input cell `source` in mode input, `tap` in mode weight.
  const state = { mode: "forward", loss: "sum", o: 0, c: 0, at: [0, 0], source: [0, 0], tap: 0, matrix: description.matrix ?? true };
  let layer;
  let numbers; // of the engine, or of the arithmetic here: {plane, upstream, gradients, kernel}
  let drawn = {};
  const run = latest();

  const controls = panel(given, settings, () => run(compute));
  const mode = tabs({ label: "What is shown", options: MODES, value: "forward", onChange: (value) => ((state.mode = value), run(compute)) });
  const loss = choice({ label: "loss", options: LOSSES, value: "sum", onChange: (value) => ((state.loss = value), run(compute)) });
  const outChannel = given.outs > 1 && slider({
    label: "output channel", min: 0, max: given.outs - 1, value: 0, onChange(value) {
      state.o = value;
      const [first, end] = layer.inputsOf(value); // an input channel that it reads
      if (state.c < first || state.c >= end) state.c = first;
      inChannel?.set(state.c);
      run(compute);
    },
  });
  const inChannel = channels > 1 && slider({ label: "input channel", min: 0, max: channels - 1, value: 0, onChange: (value) => ((state.c = value), run(compute)) });
  const withMatrix = tick({ label: "matrix", value: state.matrix, onChange: (value) => ((state.matrix = value), draw()) });
  // Three channels from 0 to 1 may well be red, green and blue.
  const photo = !flat && channels === 3 && given.input.data.every((v) => v >= 0 && v <= 1);
  state.colours = photo;
  const inColours = photo && tick({ label: "in colours", value: true, onChange: (value) => ((state.colours = value), draw()) });
  const steps = player({ label: "Step through the cells", count: 1, interval: flat ? 350 : 180, show: (i) => cellWords(i), onStep: (i) => (stepTo(i), look()) });
  const problem = element("p", { class: "problem", role: "alert" });
  const shapes = element("p", { class: "shapes mono" });
  const stage = element("div", { class: "stage" });
  const strips = element("div", { class: "strips" });
  const sumPlace = element("div", {});
  const matrixPlace = element("div", { class: "matrix" });
  root.append(
    element("div", { class: "conv" }, [
      element("div", { class: "side" }, controls.node),
      element("div", { class: "main" }, [
        element("div", { class: "bar" }, [mode.node, loss.node, withMatrix.node, inColours && inColours.node]),
        element("div", { class: "bar pickers" }, [outChannel && outChannel.node, inChannel && inChannel.node]),
        shapes, problem, stage, steps.node, strips,
      ]),
      element("div", { class: "under" }, [sumPlace, matrixPlace]),
    ]),
  );

  /** The step of the player for the cell or weight that is looked at, and the other way. */
  const stepOf = () => (state.mode === "weight" ? state.tap : state.mode === "input" ? state.source[0] * layer.across.n + state.source[1] : state.at[0] * layer.across.out + state.at[1]);
  function stepTo(i) {
    if (state.mode === "weight") state.tap = i;
    else if (state.mode === "input") state.source = [Math.floor(i / layer.across.n), i % layer.across.n];
    else state.at = [Math.floor(i / layer.across.out), i % layer.across.out];
  }
  const stepCount = () => (state.mode === "weight" ? layer.taps : state.mode === "input" ? layer.inSize : layer.outSize);
  const place = (cell) => (flat ? `${cell[1]}` : `${cell[0]},\u00a0${cell[1]}`);
  const tapPlace = (tap) => place([Math.floor(tap / layer.across.taps), tap % layer.across.taps]);
  function cellWords(i) {
    if (!layer) return "";
    const [wide, name] = state.mode === "weight" ? [layer.across.taps, "weight"] : state.mode === "input" ? [layer.across.n, "input"] : [layer.across.out, "output"];
    return `${name} ${place([Math.floor(i / wide), i % wide])}`;
  }

  /** The numbers for the settings: asked of the engine where one is there, else worked out here. */
  function compute() {
    layer = new Layer(given, settings);
    controls.update(layer);
    if (!layer.fits) {
      problem.textContent = `The kernel reaches over ${layer.tables.map((t) => t.dilation * (t.taps - 1) + 1).join(" × ")} cells, the padded input has ${layer.tables.map((t) => Math.max(t.n + t.before + t.after, 0)).join(" × ")}: no output. Make the kernel or the dilation smaller, or the padding larger.`;
      for (const part of [stage, strips, sumPlace, matrixPlace]) part.replaceChildren();
      shapes.textContent = "";
      steps.stop();
      return undefined;
    }
    const clamp = (cell, [rows, columns]) => [Math.min(cell[0], rows - 1), Math.min(cell[1], columns - 1)];
    state.at = clamp(state.at, [layer.down.out, layer.across.out]);
    state.tap = Math.min(state.tap, layer.taps - 1);
    const { mode: shown, loss: l, o, c } = state;
    const c0 = firstLane();
    const wanted = shown === "input" ? (flat ? lanesShown(c0) : [c]) : [];
    if (context.ask === null) {
      numbers = { plane: layer.forward(o) };
      if (shown !== "forward") numbers.upstream = layer.upstream(o, l);
      if (shown === "input") numbers.gradients = Object.fromEntries(wanted.map((k) => [k, layer.gradInput(k, l)]));
      if (shown === "weight") numbers.kernel = layer.gradKernel(o, c, l);
      problem.textContent = "";
      return draw();
    }
    const asked = layer;
    return context.ask({ settings, mode: shown, loss: l, o, c, channels: wanted }).then(
      (answer) => {
        numbers = { plane: readArray(answer.plane).data, upstream: answer.upstream && readArray(answer.upstream).data, kernel: answer.kernel && readArray(answer.kernel).data };
        if (answer.gradients) numbers.gradients = Object.fromEntries(wanted.map((k, i) => [k, readArray(answer.gradients[i]).data]));
        problem.textContent = "";
        layer = asked;
        draw();
      },
      (error) => {
        problem.textContent = error.message;
      },
    );
  }

  const firstLane = () => Math.min(Math.max(state.c - 1, 0), Math.max(channels - LANES, 0));
  const lanesShown = (first) => Array.from({ length: Math.min(channels, LANES) }, (_, i) => first + i);

  /** Everything that a change of the settings changes. */
  function draw() {
    const weightShape = settings.transposed ? [channels, given.outs / settings.groups, ...settings.kernel] : [given.outs, channels / settings.groups, ...settings.kernel];
    shapes.textContent = `input ${tuple(given.input.shape)} → weight ${tuple(weightShape)}${given.bias ? `, bias ${tuple([given.outs])}` : ""} → output ${tuple([given.outs, ...layer.out])}`;
    loss.node.hidden = state.mode === "forward";
    steps.set(stepOf(), stepCount());
    drawn = {};
    if (flat) drawStrips();
    else drawGrids();
    drawn.matrix = null;
    matrixPlace.hidden = !state.matrix;
    if (state.matrix) drawn.matrix = matrix(root, matrixPlace, layer, state, (row, column) => pick("output", row, column));
    look();
  }

  /** All output channels of a signal, a thin row each. */
  function drawStrips() {
    strips.replaceChildren();
    const work = layer.outSize * layer.taps * layer.ins * given.outs;
    if (given.outs === 1 || given.outs > 64 || work > 3e6 || state.mode !== "forward") return;
    const planes = Array.from({ length: given.outs }, (_, o) => layer.forward(o));
    const all = grid(root, {
      rows: given.outs, columns: layer.across.out, value: (o, i) => planes[o][i], largest: largest(...planes), width: strips.clientWidth || 600, most: 12,
      label: "All output channels, one a row", onPick: (o, i) => { state.o = o; outChannel.set(o); state.at = [0, i]; run(compute); }, onHover: () => {},
    });
    strips.append(element("h4", {}, "all output channels"), all.node);
    drawn.strips = all;
  }

  function drawGrids() {
    const { down, across } = layer;
    const { o, c, mode: shown } = state;
    const width = stage.clientWidth || 800;
    const kernelWide = Math.max(Math.min(across.taps * 44, 240) + 8, 150); // its scale needs some room too
    const third = (width - kernelWide - 40) / 2; // side by side where that leaves room for the images
    const share = third >= 250 ? third : width < 560 ? width : (width - 20) / 2;
    const x = given.input.data.subarray(c * layer.inSize, (c + 1) * layer.inSize);
    const bare = settings.transposed || shown === "input"; // padding has no gradient of its own
    const [top, left] = bare ? [0, 0] : [down.before, across.before];
    const [bottom, right] = bare ? [0, 0] : [down.after, across.after];
    const fold = layer.fold();
    const value = (i, j) => {
      const [a, b] = [fold[0](i), fold[1](j)];
      return a < 0 || b < 0 ? 0 : plane[a * across.n + b];
    };
    const colours = state.colours && shown !== "input" && ((i, j) => {
      const [a, b] = [fold[0](i), fold[1](j)];
      return [0, 1, 2].map((k) => (a < 0 || b < 0 ? 0 : given.input.data[k * layer.inSize + a * across.n + b]));
    });
    const plane = shown === "input" ? numbers.gradients[c] : x;
    const most = largest(plane);
    const padded = top + bottom + left + right > 0;
    const arrows = (limit, key) => (event) => {
      const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!move) return;
      event.preventDefault();
      state[key] = [Math.min(Math.max(state[key][0] + move[0], 0), limit[0] - 1), Math.min(Math.max(state[key][1] + move[1], 0), limit[1] - 1)];
      look();
    };
    drawn.input = grid(root, {
      rows: down.n + top + bottom, columns: across.n + left + right, origin: [-top, -left], inner: padded ? [down.n, across.n] : null,
      value, colours, largest: most, width: share, label: `Input channel ${c}. Arrow keys move the cell.`,
      keys: shown === "input" ? arrows([down.n, across.n], "source") : null, onPick: (i, j) => pick("input", i, j),
    });
    const kernel = shown === "weight" ? numbers.kernel : layer.kernel(o, c);
    drawn.kernel = grid(root, {
      rows: down.taps, columns: across.taps, value: (i, j) => kernel[i * across.taps + j], largest: largest(kernel), width: Math.min(kernelWide, width), most: 44,
      label: "Kernel", onPick: (i, j) => pick("tap", i, j),
    });
    const out = shown === "forward" ? numbers.plane : numbers.upstream;
    drawn.output = grid(root, {
      rows: down.out, columns: across.out, value: (i, j) => out[i * across.out + j], largest: largest(out), width: share,
      label: `Output channel ${o}. Arrow keys move the cell.`, keys: shown === "forward" ? arrows([down.out, across.out], "at") : null, onPick: (i, j) => pick("output", i, j),
    });
    const joined = layer.inputsOf(o);
    const apart = c < joined[0] || c >= joined[1] ? ", not in this group" : "";
    const inputTitle = shown === "input" ? `gradient by input, channel ${c}` : colours ? "input, in colours" : `input, channel ${c}${apart}`;
    stage.replaceChildren(
      figure(inputTitle, drawn.input, colours ? null : most),
      figure(shown === "weight" ? `gradient by kernel, ${o} from ${c}` : `kernel, ${o} from ${c}`, drawn.kernel, largest(kernel)),
      figure(shown === "forward" ? `output, channel ${o}` : `gradient by output, channel ${o}`, drawn.output, largest(out)),
    );
    stage.classList.add("images");
    stage.classList.toggle("kernel-last", share !== third && width >= 560);
  }
  const figure = (title, picture, most) => element("figure", {}, [element("figcaption", {}, title), picture.node, most !== null && scale(root, most)]);

  /** A cell or weight was pointed at. */
  function pick(kind, row, column) {
    const before = stepOf();
    if (kind === "output" && state.mode === "forward") state.at = [row, column];
    else if (kind === "input" && state.mode === "input" && row >= 0 && column >= 0 && row < layer.down.n && column < layer.across.n) state.source = [row, column];
    else if (kind === "tap" && state.mode === "weight") state.tap = row * layer.across.taps + column;
    else if (kind === "tap") return drawn.matrix?.light({ ...state, mode: "weight", tap: row * layer.across.taps + column });
    if (stepOf() === before) return undefined;
    steps.stop();
    return look();
  }

  /** Everything that another cell changes. */
  function look() {
    const { mode: shown, o, c, at, source, tap } = state;
    steps.set(stepOf(), stepCount());
    if (flat) {
      const first = firstLane();
      const cell = shown === "input" ? source[1] : at[1];
      drawn.window = lanes(root, stage, {
        layer, x: given.input.data, channels: lanesShown(first), o, plane: numbers.plane, upstream: numbers.upstream, gradients: numbers.gradients,
        gradKernel: shown === "weight" ? { c, values: numbers.kernel } : null, mode: shown, cell, tap, start: drawn.window?.start,
      }, (kind, index, channel, pressed) => {
        if (kind === "input" && pressed && channel !== c && shown === "input") { state.c = channel; inChannel?.set(channel); run(compute); }
        pick(kind, 0, index);
      });
    } else lightGrids();
    const report = explained();
    sumPlace.replaceChildren(sums({ ...report, onTerm: (_, term) => drawn.matrix?.light({ ...state, mode: "weight", tap: term.tap, c: term.c ?? c }) }));
    const main = shown === "input" ? source : at;
    drawn.matrix?.light({ mode: shown, row: main[0], column: main[1], tap, c });
    drawn.strips?.light([], [o, at[1]]);
    context.say(`${report.title}: ${number(report.total, 5)}.`);
  }

  function lightGrids() {
    const { mode: shown, o, c, at, source, tap } = state;
    const { taps } = layer.across;
    const joined = layer.inputsOf(o);
    const inGroup = c >= joined[0] && c < joined[1];
    if (shown === "forward") {
      const terms = inGroup ? layer.terms(o, c, ...at) : [];
      const cells = terms.filter((t) => t.padded || t.read).map((t) => (settings.transposed ? [t.row, t.column] : t.place));
      drawn.input.light(cells);
      drawn.kernel.light(settings.transposed ? terms.filter((t) => t.read).map((t) => [t.tapRow, t.tapColumn]) : []);
      drawn.output.light([], at);
    } else if (shown === "input") {
      const readers = layer.readers(...source);
      drawn.input.light([], source);
      drawn.output.light(readers.map(({ row, column, padded }) => [row, column, padded ? "mirror" : ""]));
      drawn.kernel.light(readers.map((r) => [Math.floor(r.tap / taps), r.tap % taps]));
    } else {
      const uses = layer.uses(tap);
      const rims = edges(uses);
      drawn.input.light(rims.input);
      drawn.output.light(rims.output);
      drawn.kernel.light([], [Math.floor(tap / taps), tap % taps]);
    }
  }
  /** A weight is used by nearly all cells: up to a few hundred are lit, of more every so manieth. */
  function edges(uses) {
    const step = Math.max(1, Math.ceil(uses.length / 400));
    const some = uses.filter((_, i) => i % step === 0);
    return { input: some.map((u) => [u.inRow, u.inColumn]), output: some.map((u) => [u.row, u.column]) };
  }

  /** The number that is looked at, as products and their sum. */
  function explained() {
    const { mode: shown, o, c, at, source, tap } = state;
    const { across } = layer;
    if (shown === "forward") {
      const [first, end] = layer.inputsOf(o);
      const groups = [];
      for (let k = first; k < end; k++) {
        const terms = layer.terms(o, k, ...at).filter((t) => t.read || t.padded).map((t) => ({
          a: t.value, b: t.weight, tap: t.tap, c: k,
          dashed: t.padded, note: !t.padded ? null : t.read ? `padding, reads ${place([t.row, t.column])}` : "padding, zero",
        }));
        groups.push({ name: `input channel ${k}`, columns: settings.transposed ? Math.min(terms.length, 5) : across.taps, terms });
      }
      return {
        groups, bias: given.bias ? given.bias[o] : null, total: numbers.plane[at[0] * across.out + at[1]], chosen: Math.max(c - first, 0),
        title: `output channel ${o}, element ${place(at)}`, names: ["input", "weight"],
      };
    }
    if (shown === "input") {
      const [first, end] = layer.outputsOf(c);
      const readers = layer.readers(...source);
      const groups = [];
      for (let k = first; k < end; k++) {
        const g = k === o ? numbers.upstream : layer.upstream(k, state.loss);
        const kernel = layer.kernel(k, c);
        groups.push({
          name: `output channel ${k}`, columns: Math.min(Math.max(readers.length, 1), 5),
          terms: readers.map((r) => ({ a: g[r.row * across.out + r.column], b: kernel[r.tap], tap: r.tap, dashed: r.padded, note: `from output ${place([r.row, r.column])}${r.padded ? " through padding" : ""}` })),
        });
      }
      return {
        groups, bias: null, total: numbers.gradients[c][source[0] * across.n + source[1]], chosen: Math.max(o - first, 0),
        title: `gradient of the loss by input channel ${c}, element ${place(source)}`, names: ["gradient by output", "weight"],
      };
    }
    const [first, end] = layer.inputsOf(o);
    const inGroup = c >= first && c < end;
    const terms = !inGroup ? [] : layer.uses(tap).map((u) => ({
      a: given.input.data[c * layer.inSize + u.inRow * across.n + u.inColumn], b: numbers.upstream[u.row * across.out + u.column], tap,
      note: `input ${place([u.inRow, u.inColumn])}, output ${place([u.row, u.column])}`,
    }));
    return {
      groups: [{ name: `every place where this weight is used`, columns: Math.min(Math.max(terms.length, 1), 5), terms }], bias: null,
      total: numbers.kernel[tap], title: `gradient of the loss by weight ${tapPlace(tap)}, output channel ${o} from input channel ${c}`, names: ["input", "gradient by output"],
    };
  }

  context.onTheme(() => layer?.fits && numbers && draw());
  let width = 0;
  const observer = new ResizeObserver(() => {
    if (stage.clientWidth === width) return;
    width = stage.clientWidth;
    if (layer?.fits && numbers) draw();
  });
  observer.observe(stage);
  if (root.clientWidth && root.clientWidth < 560) controls.node.open = false;
  run(compute);
  return {
    destroy() {
      steps.stop();
      observer.disconnect();
    },
  };
}

export default { kind: "conv", style, render };
