// A plane of numbers as an image: a canvas for the cells, an SVG over it for what is lit and for the numbers.
import { element, shape } from "../lib/dom.js";
import { fitting, number } from "../lib/format.js";
import { css, heat } from "../lib/heat.js";

const PAD = 4; // pixels around the image, so that outlines are not cut

/**
 * Draws cells(row, column) for rows × columns cells that start at `origin`; gives {node, light(cells, main), width}.
 * inner [rows, columns] is the part that is not padding, framed if it is not everything. colours(row, column), where it is
 * given, is the [red, green, blue] of a cell, from 0 to 1.
 */
export function grid(root, { rows, columns, origin = [0, 0], inner, value, colours, largest, width, most = 40, label, keys, onPick, onHover }) {
  const cell = Math.min(most, Math.max((width - 2 * PAD) / columns, 0.5), Math.max(520 / rows, 0.5));
  const [wide, high] = [columns * cell, rows * cell];
  const canvas = element("canvas", { width: columns, height: rows, "aria-hidden": "true" });
  canvas.style.cssText = `width:${wide}px;height:${high}px;left:${PAD}px;top:${PAD}px`;
  const image = new ImageData(columns, rows);
  const colourOf = heat(root, largest);
  const isInner = (i, j) => !inner || (i >= 0 && j >= 0 && i < inner[0] && j < inner[1]);
  const written = !colours && cell >= 27 && rows * columns <= 600;
  const texts = [];
  for (let i = 0, at = 0; i < rows; i++)
    for (let j = 0; j < columns; j++, at += 4) {
      const [row, column] = [i + origin[0], j + origin[1]];
      const v = value(row, column);
      const [r, g, b, a] = colours ? [...colours(row, column).map((part) => part * 255), 255] : colourOf(v);
      image.data[at] = r;
      image.data[at + 1] = g;
      image.data[at + 2] = b;
      image.data[at + 3] = isInner(row, column) ? a : a * 0.4;
      if (written)
        texts.push(shape("text", { x: PAD + (j + 0.5) * cell, y: PAD + (i + 0.5) * cell + 4, class: a > 150 && isInner(row, column) ? "cell on" : isInner(row, column) ? "cell" : "cell faint" }, fitting(v, Math.floor((cell - 2) / 6.4))));
    }
  canvas.getContext("2d").putImageData(image, 0, 0);

  const lit = shape("g");
  const frame = shape("g", {}, [shape("rect", { x: PAD, y: PAD, width: wide, height: high, class: inner ? "rim padded" : "rim" })]);
  if (cell >= 8) {
    let lines = "";
    for (let j = 1; j < columns; j++) lines += `M${PAD + j * cell} ${PAD}v${high}`;
    for (let i = 1; i < rows; i++) lines += `M${PAD} ${PAD + i * cell}h${wide}`;
    frame.append(shape("path", { d: lines, class: "mesh" }));
  }
  if (inner) frame.append(shape("rect", { x: PAD - origin[1] * cell, y: PAD - origin[0] * cell, width: inner[1] * cell, height: inner[0] * cell, class: "rim" }));
  const sheet = shape("svg", { width: wide + 2 * PAD, height: high + 2 * PAD, "aria-hidden": "true" }, [frame, shape("g", {}, texts), lit]);
  const find = (event) => {
    const box = sheet.getBoundingClientRect();
    const scale = box.width / (wide + 2 * PAD) || 1;
    const j = Math.floor(((event.clientX - box.left) / scale - PAD) / cell);
    const i = Math.floor(((event.clientY - box.top) / scale - PAD) / cell);
    return i >= 0 && j >= 0 && i < rows && j < columns ? [i + origin[0], j + origin[1]] : null;
  };
  const node = element("div", {
    class: "grid", ...(keys ? { tabindex: 0, role: "group", "aria-label": label } : { role: "img", "aria-label": label }),
    onkeydown: keys,
    onpointermove: (event) => { const at = find(event); if (at) (onHover ?? onPick)?.(...at); },
    onpointerdown: (event) => { const at = find(event); if (at) onPick?.(...at); },
  }, [canvas, sheet]);
  node.style.width = `${wide + 2 * PAD}px`;

  const box = (row, column, kind) => {
    const least = Math.max(cell, 3);
    const shift = (least - cell) / 2;
    return shape("rect", { x: PAD + (column - origin[1]) * cell - shift, y: PAD + (row - origin[0]) * cell - shift, width: least, height: least, class: kind });
  };
  return {
    node,
    width: wide,
    /** Lights some cells, each [row, column, class], and one of them with a ring. */
    light(cells, main = null) {
      const rects = cells.map(([row, column, kind]) => box(row, column, `lit ${kind ?? ""}`));
      if (main) {
        if (cell < 7)
          rects.push(shape("circle", { cx: PAD + (main[1] - origin[1] + 0.5) * cell, cy: PAD + (main[0] - origin[0] + 0.5) * cell, r: 8, class: "main" }));
        rects.push(box(main[0], main[1], "main"));
      }
      lit.replaceChildren(...rects);
    },
  };
}

/** The colour scale of a grid, with its ends in numbers. */
export function scale(root, most, digits = 3) {
  const colourOf = heat(root, 1);
  const steps = Array.from({ length: 21 }, (_, i) => {
    const bar = element("span", {});
    bar.style.background = css(colourOf((i - 10) / 10));
    return bar;
  });
  return element("div", { class: "scale", "aria-hidden": "true" }, [number(-most, digits), element("span", { class: "bar" }, steps), number(most, digits)]);
}
