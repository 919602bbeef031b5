// A convolution of signals: lanes of samples, the kernel where it stands, and the output, all over one ruler.
import { element, shape } from "../lib/dom.js";
import { fitting } from "../lib/format.js";
import { css, heat, largest } from "../lib/heat.js";
import { FOLD, placeOf } from "./arithmetic.js";

const LANE = 74; // height of a lane of samples
const BOX = 20; // height of the kernel's boxes
const LEFT = 6;

/** Where the cells of input and output stand on the ruler, in units of the finer of both. */
export function ruler(table) {
  const middle = (table.dilation * (table.taps - 1)) / 2;
  const spread = (i) => i * table.stride + middle - table.before; // the coarser side: middle of what it touches
  if (table.transposed) {
    const last = Math.max(table.out - 1, spread(table.n - 1));
    return { input: spread, output: (o) => o, low: Math.min(0, spread(0)), high: last };
  }
  return { input: (i) => i, output: spread, low: -table.before, high: Math.max(table.n - 1 + table.after, table.n - 1) };
}

/**
 * Draws the lanes into node. what: {layer, x (data), channels (of the input, shown), o, c, plane (of output o),
 * upstream (the gradient by it), gradients (by the input channels, in mode "input"), gradKernel ({c, values}, in mode
 * "weight"), mode, cell, tap, start}. Gives what part was drawn:
 * {start, cells}. onPick("output" | "input" | "tap", index, channel).
 */
export function lanes(root, node, what, onPick) {
  const { layer, channels, o, plane, mode, cell, tap } = what;
  const table = layer.across;
  const { input, output, low, high } = ruler(table);
  const width = Math.max(node.clientWidth || 640, 200);
  const total = Math.ceil(high - low) + 1;
  const most = Math.max(Math.floor((width - 2 * LEFT) / 9), 12);
  const cells = Math.min(total, most);
  const unit = Math.min((width - 2 * LEFT) / cells, 64);
  // The window follows what is picked and moves only where that would leave it.
  const at = mode === "input" ? input(cell) : mode === "forward" ? output(cell) : low;
  let start = Math.min(Math.max(what.start ?? low, low), low + total - cells);
  if (at < start + 2 || at > start + cells - 3) start = Math.min(Math.max(Math.round(at - cells / 2), low), low + total - cells);
  const X = (place) => LEFT + (place - start + 0.5) * unit;
  const visible = (place) => place >= start - 0.5 && place <= start + cells - 0.5;
  const text = unit >= 32;
  const characters = Math.floor((Math.min(unit, 60) - 3) / 6.4);
  const parts = [];
  let y = 4;

  const heading = (words) => {
    parts.push(shape("text", { x: LEFT, y: y + 11, class: "name" }, words));
    y += 17;
  };
  const samples = (count, place, valueOf, kind, litOf, pick, tall = LANE) => {
    const values = [];
    for (let i = 0; i < count; i++) if (visible(place(i))) values.push(valueOf(i));
    const peak = largest(values) || 1;
    const middle = y + tall / 2 - (text ? 7 : 0);
    const reach = tall / 2 - (text ? 13 : 6);
    const half = Math.min(unit / 2, 16);
    parts.push(shape("line", { x1: X(start) - unit / 2, x2: X(start + cells - 1) + unit / 2, y1: middle, y2: middle, class: "zero" }));
    let line = "";
    const dots = [];
    for (let i = 0; i < count; i++) {
      if (!visible(place(i))) continue;
      const [cx, v] = [X(place(i)), valueOf(i)];
      const cy = middle - (Number.isFinite(v) ? v / peak : 0) * reach;
      const lit = litOf(i);
      if (lit) dots.push(shape("rect", { x: cx - half, width: 2 * half, y, height: tall, class: `band ${lit}` }));
      dots.push(shape("line", { x1: cx, x2: cx, y1: middle, y2: cy, class: `stem ${kind}` }));
      dots.push(shape("circle", { cx, cy, r: Math.min(Math.max(unit / 5, 2), 4), class: `dot ${kind}${lit ? " picked" : ""}` }));
      if (text) dots.push(shape("text", { x: cx, y: y + tall - 3, class: "cell" }, fitting(v, characters)));
      line += `${line ? "L" : "M"}${cx.toFixed(1)} ${cy.toFixed(1)}`;
    }
    parts.push(shape("path", { d: line, class: `trace ${kind}` }), ...dots);
    if (pick)
      for (let i = 0; i < count; i++)
        if (visible(place(i)))
          parts.push(shape("rect", { x: X(place(i)) - half, width: 2 * half, y, height: tall, class: "catch", "data-pick": pick, "data-index": i }));
    y += tall;
  };

  // The input, a lane a channel, with the cells of padding that the kernel reads.
  const read = new Map(); // input element -> class
  const taps = []; // {tap, place on the ruler}
  if (mode === "forward")
    for (let k = 0; k < table.taps; k++) {
      const from = table.index[cell * table.taps + k];
      if (table.transposed) {
        if (from >= 0) taps.push({ k, place: input(from), from });
      } else taps.push({ k, place: placeOf(table, cell, k), from });
    }
  const outLit = new Map();
  if (mode === "forward") {
    outLit.set(cell, "main");
    for (const { from, place } of taps) if (from >= 0) read.set(from, place >= 0 && place < table.n ? "" : "mirror");
    if (table.transposed) for (const { from } of taps) read.set(from, "");
  } else if (mode === "input") {
    read.set(cell, "main");
    for (const { column, padded } of layer.readers(0, cell)) outLit.set(column, padded ? "mirror" : "");
  } else for (const { column, inColumn } of layer.uses(tap)) (read.set(inColumn, ""), outLit.set(column, ""));

  const beforeCells = Math.max(table.transposed ? 0 : table.before, 0);
  const afterCells = Math.max(table.transposed ? 0 : table.after, 0);
  const colourOf = heat(root, largest(...channels.map((c) => layer.kernel(o, c))));
  const [firstIn, endIn] = layer.inputsOf(o);
  for (const c of channels) {
    const base = c * layer.inSize;
    const joined = c >= firstIn && c < endIn;
    const shown = mode === "input" ? what.gradients[c] : null;
    heading(shown ? `gradient by input, channel ${c}` : `input, channel ${c}${layer.ins === 2 ? [" (left)", " (right)"][c] : ""}${joined ? "" : ", not in this group"}`);
    const top = y;
    const padding = (p) => {
      const from = FOLD[layer.settings.mode](p, table.n);
      return from < 0 ? 0 : what.x[base + from];
    };
    for (const p of [...range(-beforeCells, 0), ...range(table.n, table.n + afterCells)]) {
      if (!visible(p)) continue;
      const lit = joined && mode === "forward" && taps.some(({ place }) => place === p);
      const half = Math.min(unit / 2, 16);
      parts.push(shape("rect", { x: X(p) - half + 0.5, width: 2 * half - 1, y: top + 1, height: LANE - 2, class: `padding${lit ? " lit" : ""}` }));
    }
    const first = shown ? 0 : -beforeCells; // padding has no gradient of its own
    const value = (p) => (p < 0 || p >= table.n ? padding(p) : shown ? shown[p] : what.x[base + p]);
    const drawn = shown ? table.n : table.n + beforeCells + afterCells;
    samples(drawn, (i) => input(i + first), (i) => value(i + first), shown ? "gradient" : "value", (i) => {
      const p = i + first;
      if (p < 0 || p >= table.n || !joined) return null;
      return read.get(p) === undefined ? null : `lit ${read.get(p)}`;
    }, null);
    for (let i = 0; i < table.n; i++)
      if (visible(input(i))) parts.push(shape("rect", { x: X(input(i)) - Math.min(unit / 2, 16), width: Math.min(unit, 32), y: top, height: LANE, class: "catch", "data-pick": "input", "data-index": i, "data-channel": c }));
    y += 3;
    // The kernel where it stands: a box a tap under the cell that it reads.
    if (mode === "forward" && joined) {
      const kernel = layer.kernel(o, c);
      for (const { k, place } of taps) {
        if (!visible(place)) continue;
        const w = Math.max(Math.min(unit, 40) - 1, 3);
        const fill = colourOf(kernel[k]);
        const box = shape("rect", { x: X(place) - w / 2, width: w, y, height: BOX, rx: 3, class: "tap", "data-pick": "tap", "data-index": k, "data-channel": c });
        box.style.fill = css(fill);
        parts.push(box);
        if (text) parts.push(shape("text", { x: X(place), y: y + 14, class: fill[3] > 150 ? "cell on" : "cell" }, fitting(kernel[k], Math.min(characters, 5))));
      }
    }
    // Its gradient, from which a weight is picked.
    if (what.gradKernel?.c === c) {
      const { values } = what.gradKernel;
      const shade = heat(root, largest(values));
      const w = Math.min(48, (width - 2 * LEFT - 130) / values.length);
      parts.push(shape("text", { x: LEFT, y: y + 14, class: "name" }, "gradient by kernel"));
      values.forEach((v, k) => {
        const fill = shade(v);
        const x = LEFT + 130 + k * w;
        const box = shape("rect", { x: x + 0.5, width: w - 2, y, height: BOX, rx: 3, class: k === tap ? "tap main" : "tap", "data-pick": "tap", "data-index": k, "data-channel": c });
        box.style.fill = css(fill);
        parts.push(box);
        if (w > 24) parts.push(shape("text", { x: x + w / 2, y: y + 14, class: fill[3] > 150 ? "cell on" : "cell" }, fitting(v, Math.floor((w - 4) / 6.4))));
      });
    }
    y += BOX + 5;
  }

  // Lines from every tap to the output cell.
  const fan = y;
  y += 34;
  const outTop = y + 17;
  const links = [];
  const link = (from, to, kind = "") => {
    if (visible(from) || visible(to)) links.push(shape("path", { d: `M${X(from)} ${fan - 4}C${X(from)} ${fan + 22} ${X(to)} ${outTop - 30} ${X(to)} ${outTop - 3}`, class: `link ${kind}` }));
  };
  if (mode === "forward") for (const { place } of taps) link(place, output(cell));
  else if (mode === "input") for (const [column, kind] of outLit) link(input(cell), output(column), `${kind} back`);
  else if (tap >= 0) for (const { column, inColumn } of layer.uses(tap).slice(0, 400)) link(table.transposed ? input(inColumn) : placeOf(table, column, tap), output(column), "back thin");
  parts.push(...links);
  const upstream = mode === "forward" ? null : what.upstream;
  heading(upstream ? `gradient by output, channel ${o}` : `output, channel ${o}`);
  samples(layer.across.out, output, (i) => (upstream ?? plane)[i], upstream ? "gradient" : "value", (i) => (outLit.has(i) ? `lit ${outLit.get(i)}` : null), "output");

  const sheet = shape("svg", { width: Math.ceil(2 * LEFT + cells * unit), height: y + 4, "aria-hidden": "true" }, parts);
  const pick = (event) => {
    const { pick: kind, index, channel } = event.target.dataset ?? {};
    if (kind) onPick(kind, Number(index), Number(channel ?? 0), event.type === "pointerdown");
  };
  sheet.addEventListener("pointermove", pick);
  sheet.addEventListener("pointerdown", pick);
  const note = cells < total ? element("p", { class: "words small" }, `cells ${start} to ${start + cells - 1} of ${low} to ${low + total - 1}; the window follows the kernel`.replaceAll("-", "−")) : null;
  node.replaceChildren(sheet, ...(note ? [note] : []));
  return { start, cells };
}

const range = (from, to) => Array.from({ length: Math.max(to - from, 0) }, (_, i) => from + i);
