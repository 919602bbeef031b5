// The sliders of a convolution, its formula and its line of code.
import { choice, slider } from "../lib/controls.js";
import { element } from "../lib/dom.js";
import { tuple } from "../lib/format.js";
import { pads } from "./arithmetic.js";

const AXES = { 1: [""], 2: [" ↕", " ↔"] };
const SPOKEN = { 1: [""], 2: [", rows", ", columns"] };

const divisors = (a, b) => {
  const both = [];
  for (let g = 1; g <= Math.min(a, b); g++) if (a % g === 0 && b % g === 0) both.push(g);
  return both;
};

/** Controls over settings (which they change in place), calling onChange() at every move. Gives {node, update()}. */
export function panel(given, settings, onChange) {
  const dims = given.input.shape.length - 1;
  const [channels, ...sizes] = given.input.shape;
  const changed = () => {
    settle();
    onChange();
  };
  const sliders = { kernel: [], stride: [], padding: [], dilation: [], outputPadding: [] };
  const row = (label, name, min, max) =>
    AXES[dims].map((sign, axis) => {
      const one = slider({
        label: `${label}${sign}`, spoken: `${label}${SPOKEN[dims][axis]}`, min, max: Math.max(max(axis), settings[name][axis] ?? 0), value: settings[name][axis] ?? 0,
        onChange(value) {
          if (name === "padding" && typeof settings.padding === "string") settings.padding = sizes.map((n, i) => pads(settings, i, n)[0]);
          settings[name][axis] = value;
          changed();
        },
      });
      one.node.classList.add(name);
      sliders[name].push(one);
      return one.node;
    });
  const kinds = choice({
    label: "layer", options: [["no", "convolution"], ["yes", "transposed"]], value: settings.transposed ? "yes" : "no",
    onChange(value) {
      settings.transposed = value === "yes";
      changed();
    },
  });
  const named = [["numbers", "in numbers"], ["valid", "none (valid)"], ["same", "same size"], ["causal", "causal"]];
  const naming = choice({
    label: "padding", options: named, value: typeof settings.padding === "string" ? settings.padding : "numbers",
    onChange(value) {
      settings.padding = value === "numbers" ? sizes.map((n, i) => pads(settings, i, n)[0]) : value;
      changed();
    },
  });
  const modes = choice({
    label: "filled with", options: [["zeros", "zeros"], ["reflect", "reflection"], ["replicate", "the edge, repeated"], ["circular", "the other end"]], value: settings.mode,
    onChange(value) {
      settings.mode = value;
      changed();
    },
  });
  const allowed = divisors(channels, given.outs);
  const groups = allowed.length > 1 && slider({
    label: "groups", min: 0, max: allowed.length - 1, value: allowed.indexOf(settings.groups), show: (i) => String(allowed[i]),
    onChange(i) {
      settings.groups = allowed[i];
      changed();
    },
  });
  const formula = element("div", { class: "formula" });
  const code = element("code", {});
  const body = element("div", { class: "panel" }, [
    kinds.node,
    row("kernel", "kernel", 1, (axis) => Math.min(Math.max(9, given.weight.shape[2 + axis]), Math.max(sizes[axis], 9))),
    row("stride", "stride", 1, () => 5),
    row("dilation", "dilation", 1, () => 5),
    naming.node,
    row("padding cells", "padding", 0, () => 8),
    modes.node,
    row("output padding", "outputPadding", 0, () => 4),
    groups ? groups.node : null,
    formula,
    element("p", { class: "code" }, code),
  ]);
  const node = element("details", { open: true }, [element("summary", {}, "The layer"), body]);

  /** Settings that go with one another. */
  function settle() {
    if (settings.transposed) {
      settings.mode = "zeros";
      if (typeof settings.padding === "string") settings.padding = sizes.map(() => 0);
      settings.outputPadding = settings.outputPadding.map((p, axis) => Math.min(p, Math.max(settings.stride[axis], settings.dilation[axis]) - 1));
    } else settings.outputPadding = sizes.map(() => 0);
  }

  function update(layer) {
    settle();
    const hide = (list, hidden) => list.forEach((item) => (item.hidden = hidden));
    hide([naming.node, modes.node], settings.transposed);
    hide(sliders.outputPadding.map((one) => one.node), !settings.transposed);
    kinds.set(settings.transposed ? "yes" : "no");
    naming.set(typeof settings.padding === "string" ? settings.padding : "numbers");
    modes.set(settings.mode);
    sizes.forEach((n, axis) => {
      sliders.kernel[axis].set(settings.kernel[axis]);
      sliders.stride[axis].set(settings.stride[axis]);
      sliders.dilation[axis].set(settings.dilation[axis]);
      sliders.padding[axis].set(pads(settings, axis, n)[0]);
      const most = Math.max(settings.stride[axis], settings.dilation[axis]) - 1;
      sliders.outputPadding[axis].set(settings.outputPadding[axis], { max: Math.max(most, 0) });
    });
    if (groups) groups.set(allowed.indexOf(settings.groups));
    formula.replaceChildren(...layer.tables.map((table, axis) => element("p", {}, [
      dims === 2 ? element("b", {}, ["rows ", "columns "][axis]) : element("b", {}, "outputs "),
      words(table, settings, axis), element("b", { class: "size", "data-axis": axis }, String(table.out).replace("-", "−")),
    ])));
    code.textContent = written(given, settings, dims);
  }
  return { node, update };
}

/** The size formula with the numbers put in. */
function words({ n, before, after, taps }, settings, axis) {
  const [s, d] = [settings.stride[axis], settings.dilation[axis]];
  if (settings.transposed) {
    const extra = settings.outputPadding[axis];
    return `= (${n} − 1)·${s} − ${before} − ${after} + ${d}·(${taps} − 1)${extra ? ` + ${extra}` : ""} + 1 = `;
  }
  return `= ⌊(${n} + ${before} + ${after} − ${d}·(${taps} − 1) − 1) / ${s}⌋ + 1 = `;
}

/** The layer as one writes it in Python. */
function written({ input, outs }, settings, dims) {
  const value = (list) => (list.every((v) => v === list[0]) ? String(list[0]) : tuple(list));
  const { kernel, stride, padding, dilation, outputPadding, groups, mode, transposed } = settings;
  const causal = padding === "causal";
  let text = `nn.Conv${transposed ? "Transpose" : ""}${dims}d(${input.shape[0]}, ${outs}, ${value(kernel)}`;
  if (value(stride) !== "1") text += `, stride=${value(stride)}`;
  if (typeof padding === "string") text += causal || padding === "valid" ? "" : `, padding="${padding}"`;
  else if (value(padding) !== "0") text += `, padding=${value(padding)}`;
  if (value(outputPadding) !== "0") text += `, output_padding=${value(outputPadding)}`;
  if (value(dilation) !== "1") text += `, dilation=${value(dilation)}`;
  if (groups !== 1) text += `, groups=${groups}`;
  if (mode !== "zeros" && !causal) text += `, padding_mode="${mode}"`;
  if (!causal) return `${text})`;
  const amounts = input.shape.slice(1).map((n, axis) => pads(settings, axis, n)).reverse().flat();
  return `${text}) after F.pad(x, ${tuple(amounts)}${mode === "zeros" ? "" : `, "${mode}"`})`;
}
