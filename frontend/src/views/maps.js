// Groups of heat maps: kernels, feature maps, receptive fields. A cell under the pointer or the keys tells its value.
import { readArray } from "../lib/arrays.js";
import { element } from "../lib/dom.js";
import { many, number } from "../lib/format.js";
import { colour } from "../lib/theme.js";
import style from "./maps.css";

function channels(text) {
  return text.match(/[\d.]+/g).slice(0, 3).map(Number);
}

function render(root, { groups }, context) {
  const paints = [];
  for (const group of groups) root.append(section(group, paints, context));
  const paint = () => {
    const palette = {
      warm: channels(colour(root, "--warm-fill")),
      cold: channels(colour(root, "--cold-fill")),
      paper: channels(colour(root, "--card")),
    };
    for (const one of paints) one(palette);
  };
  context.onTheme(paint);
  paint();
}

function section(group, paints, context) {
  const { shape, data } = readArray(group.maps);
  const [maps, rows, columns] = shape;
  const told = element("output", { class: "told" }, "Point at a cell, or step with the arrow keys.");
  const size = maps === 1 ? 560 : Math.min(120, Math.max(44, 900 / Math.sqrt(maps * 6)));
  const cell = Math.max(1, Math.min(24, size / Math.max(columns, rows)));
  const tiles = [];
  for (let m = 0; m < maps; m++) tiles.push(tile(m));
  return element("section", { class: "group", "aria-label": group.title }, [
    element("h3", {}, group.title),
    element("div", { class: "tiles" }, tiles),
    group.leftOut > 0 && element("p", { class: "words" }, `${many(group.leftOut, "more map")} not shown.`),
    told,
    scaleBar(group.scale),
  ]);

  function tile(m) {
    const canvas = element("canvas", { width: columns, height: rows, tabindex: 0, role: "img", "aria-label": `${group.labels[m]}, ${rows} by ${columns}` });
    const stretched = rows === 1 || rows * 6 < columns; // signals: rows tall enough to be seen
    canvas.style.width = `${stretched ? Math.max(size, Math.min(560, columns * 4)) : columns * cell}px`;
    canvas.style.height = `${stretched ? Math.max(14, rows * 14) : rows * cell}px`;
    let at = [0, 0];
    const say = ([row, column]) => {
      at = [Math.min(Math.max(row, 0), rows - 1), Math.min(Math.max(column, 0), columns - 1)];
      const value = data[(m * rows + at[0]) * columns + at[1]];
      told.textContent = `${group.labels[m]} [${at.join(", ")}] = ${number(value)}`;
    };
    canvas.addEventListener("pointermove", (event) => {
      const box = canvas.getBoundingClientRect();
      say([Math.floor(((event.clientY - box.top) / box.height) * rows), Math.floor(((event.clientX - box.left) / box.width) * columns)]);
    });
    canvas.addEventListener("keydown", (event) => {
      const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!move) return;
      event.preventDefault();
      say([at[0] + move[0], at[1] + move[1]]);
      context.say(told.textContent);
    });
    paints.push(({ warm, cold, paper }) => {
      const pixels = new ImageData(columns, rows);
      for (let i = 0; i < rows * columns; i++) {
        const value = data[m * rows * columns + i];
        const share = group.scale > 0 && Number.isFinite(value) ? Math.min(Math.abs(value) / group.scale, 1) : 0;
        const ink = value < 0 ? cold : warm;
        for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = paper[c] + share * (ink[c] - paper[c]);
        pixels.data[4 * i + 3] = 255;
      }
      canvas.getContext("2d").putImageData(pixels, 0, 0);
    });
    return element("figure", { class: "tile" }, [canvas, maps > 1 && element("figcaption", {}, group.labels[m])]);
  }
}

function scaleBar(scale) {
  return element("div", { class: "scale", "aria-hidden": "true" }, [
    element("span", {}, number(-scale, 3)),
    element("span", { class: "ramp" }),
    element("span", {}, number(scale, 3)),
  ]);
}

export default { kind: "maps", style, render };
