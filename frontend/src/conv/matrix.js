// The matrix of a convolution: the rows of one output channel, the kernel stacked and shifted along them.
import { element } from "../lib/dom.js";
import { count, number } from "../lib/format.js";
import { heat, largest } from "../lib/heat.js";
import { colour } from "../lib/theme.js";

const MOST_COLUMNS = 1200; // beyond that, only the columns of one input channel are drawn

/** Draws into node and gives {light(state)}; onRow(cell) is called for the row under the pointer. */
export function matrix(root, node, layer, { o, c }, onRow) {
  const every = layer.ins * layer.inSize <= MOST_COLUMNS;
  const channels = every ? Array.from({ length: layer.ins }, (_, i) => i) : [c];
  const [rows, columns] = [layer.outSize, channels.length * layer.inSize];
  const width = Math.max(Math.min(node.clientWidth || 500, 620), 160);
  const unit = Math.min(width / columns, 14, Math.max(420 / rows, 0.05));
  const ratio = window.devicePixelRatio || 1;
  const [wide, high] = [columns * unit, Math.max(rows * unit, 1)];
  const canvas = element("canvas", { width: Math.ceil(wide * ratio), height: Math.ceil(high * ratio), role: "img", "aria-label": `Matrix with ${rows} rows, one for each element of output channel ${o}, and ${columns} columns, one for each element of ${every ? "the input" : `input channel ${c}`}: the kernel, shifted from row to row.` });
  canvas.style.cssText = `width:${wide}px;height:${high}px`;
  const paint = canvas.getContext("2d");
  paint.scale(ratio, ratio);
  const [first, end] = layer.inputsOf(o);
  const kernels = channels.map((channel) => (channel >= first && channel < end ? layer.kernel(o, channel) : null));
  const colourOf = heat(root, largest(...kernels.filter(Boolean)));
  const size = Math.max(unit, 1.2 / ratio);
  const { down, across } = layer;
  const entries = (row, each) => {
    const [i, j] = [Math.floor(row / across.out), row % across.out];
    for (let a = 0; a < down.taps; a++) {
      const from = down.index[i * down.taps + a];
      if (from < 0) continue;
      for (let b = 0; b < across.taps; b++) {
        const at = across.index[j * across.taps + b];
        if (at >= 0) each(from * across.n + at, a * across.taps + b);
      }
    }
  };
  // Each tap is one colour: cells are gathered by tap, and a plane of many rows is drawn by every so manieth.
  const skip = Math.max(1, Math.floor(1 / (unit * ratio * 2)));
  const paths = kernels.map((kernel) => kernel && Array.from(kernel, () => new Path2D()));
  for (let row = 0; row < rows; row += skip)
    entries(row, (column, tap) =>
      paths.forEach((list, k) => list?.[tap].rect((k * layer.inSize + column) * unit, row * unit, size, size)),
    );
  const draw = (lit) => {
    paint.clearRect(0, 0, wide, high);
    if (lit?.row >= 0) {
      paint.fillStyle = lit.band;
      paint.fillRect(0, lit.row * unit - Math.max(0, 1.5 - unit / 2), wide, Math.max(unit, 3));
    }
    if (lit?.column >= 0) {
      paint.fillStyle = lit.band;
      paint.fillRect(lit.column * unit - Math.max(0, 1.5 - unit / 2), 0, Math.max(unit, 3), high);
    }
    paths.forEach((list, k) =>
      list?.forEach((path, tap) => {
        const [r, g, b, a] = colourOf(kernels[k][tap]);
        const dim = lit && lit.tap >= 0 && (lit.tap !== tap || channels[k] !== lit.c);
        paint.fillStyle = lit && lit.tap === tap && channels[k] === lit.c ? lit.pick : `rgb(${r} ${g} ${b} / ${Math.max(a / 255, 0.15) * (dim ? 0.25 : 1)})`;
        paint.fill(path);
      }),
    );
    if (lit?.row >= 0) {
      paint.strokeStyle = lit.pick;
      paint.lineWidth = 1.5;
      paint.strokeRect(0.75, lit.row * unit - 1, wide - 1.5, Math.max(unit, 2) + 2);
    }
    paint.strokeStyle = lit?.edge ?? "gray";
    paint.lineWidth = 1;
    for (let k = 0; k <= channels.length; k++) paint.strokeRect(k * layer.inSize * unit, 0, 0.01, high);
  };

  const counts = layer.counts();
  const share = (100 * counts.nonzero) / counts.entries;
  const facts = [
    [`${count(counts.rows)} × ${count(counts.columns)}`, "the whole matrix, outputs × inputs"],
    [`${number(share, 3)} %`, `not zero: ${count(counts.nonzero)} of ${count(counts.entries)}`],
    [count(counts.weights), `weights, each used about ${count(Math.round(counts.nonzero / Math.max(counts.weights, 1)))} times`],
    [count(counts.entries), "weights a dense layer would have"],
  ];
  node.replaceChildren(
    element("h3", {}, "As a matrix"),
    element("p", { class: "words" }, `The rows of output channel ${o}${every ? "" : `, the columns of input channel ${c}`}: the kernel, shifted from row to row. A pointed-at row is an output; a weight lights its diagonal.`),
    element("div", { class: "plot" }, canvas),
    element("dl", { class: "facts" }, facts.map(([value, words]) => element("div", {}, [element("dt", {}, value), element("dd", {}, words)]))),
  );
  const lens = unit < 3 ? glass(root, width, { rows, columns, layer, channels, kernels, colourOf, entries }) : null;
  if (lens) node.querySelector(".plot").after(lens.node);
  node.querySelector(".facts").dataset.counts = JSON.stringify(counts);
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
    if (row >= 0 && row < rows) onRow(Math.floor(row / across.out), row % across.out);
  });
  draw(null);
  return {
    /** {mode, row, column, tap, c}: an output's row, an input's column or a weight's diagonal. */
    light({ mode, row, column, tap, c: channel }) {
      const k = channels.indexOf(channel);
      const lit = { row: -1, column: -1, tap: -1, c: channel, pick: colour(root, "--pick"), band: colour(root, "--pick-soft"), edge: colour(root, "--line") };
      if (mode === "forward") lit.row = row * across.out + column;
      else if (mode === "input") lit.column = k < 0 ? -1 : k * layer.inSize + row * across.n + column;
      else lit.tap = tap;
      draw(lit);
      canvas.dataset.row = lit.row;
      lens?.draw(lit);
    },
  };
}

const CELL = 13; // pixels of an entry under the glass

/** A magnifying glass on the matrix: the rows around the lit one, from where the kernel begins in it. */
function glass(root, width, { rows, columns, layer, channels, kernels, colourOf, entries }) {
  const [high, wide] = [Math.min(rows, 9), Math.min(columns, Math.floor(width / CELL))];
  const ratio = window.devicePixelRatio || 1;
  const canvas = element("canvas", { width: wide * CELL * ratio, height: high * CELL * ratio, "aria-hidden": "true" });
  canvas.style.cssText = `width:${wide * CELL}px;height:${high * CELL}px`;
  const paint = canvas.getContext("2d");
  paint.scale(ratio, ratio);
  const title = element("p", { class: "words small" });
  const node = element("div", { class: "lens" }, [title, element("div", { class: "plot" }, canvas)]);
  const columnsOf = (row, each) =>
    entries(row, (column, tap) => kernels.forEach((kernel, k) => kernel && each(k * layer.inSize + column, kernel[tap], tap, channels[k])));
  return {
    node,
    draw({ row, column, tap, c, pick, band, edge }) {
      let [top, left] = [Math.max(row, 0) - (high >> 1), columns];
      if (column >= 0) {
        // The rows that read the lit column.
        for (let r = 0; r < rows && top < 0; r++) columnsOf(r, (at) => at === column && (top = Math.max(top, r)));
        left = column - (wide >> 1);
      } else columnsOf(Math.max(row, 0), (at) => (left = Math.min(left, at - 3)));
      top = Math.min(Math.max(top, 0), rows - high);
      left = Math.min(Math.max(left, 0), columns - wide);
      title.textContent = `Rows ${top} to ${top + high - 1}, columns ${left} to ${left + wide - 1}:`;
      paint.clearRect(0, 0, wide * CELL, high * CELL);
      paint.fillStyle = band;
      if (row >= 0) paint.fillRect(0, (row - top) * CELL, wide * CELL, CELL);
      if (column >= 0) paint.fillRect((column - left) * CELL, 0, CELL, high * CELL);
      paint.strokeStyle = edge;
      paint.lineWidth = 0.6;
      for (let r = 0; r < high; r++)
        columnsOf(top + r, (at, weight, k, channel) => {
          if (at < left || at >= left + wide) return;
          const [red, green, blue, alpha] = colourOf(weight);
          paint.fillStyle = k === tap && channel === c ? pick : `rgb(${red} ${green} ${blue} / ${Math.max(alpha / 255, 0.12)})`;
          paint.fillRect((at - left) * CELL, r * CELL, CELL, CELL);
          paint.strokeRect((at - left) * CELL + 0.5, r * CELL + 0.5, CELL - 1, CELL - 1);
        });
    },
  };
}
