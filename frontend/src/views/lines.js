// Lines over steps, on a logarithmic or an even scale; a step under the pointer or the keys tells all values.
import { element, shape } from "../lib/dom.js";
import { number } from "../lib/format.js";
import style from "./lines.css";

const WIDTH = 760;
const HEIGHT = 340;
const LEFT = 64;
const RIGHT = 16;
const TOP = 14;
const BOTTOM = 40;

function render(root, first, context) {
  const body = element("div", {});
  root.append(body);
  let description = first;
  const draw = () => body.replaceChildren(...picture(description, context));
  draw();
  return {
    update(next) {
      description = next;
      draw();
    },
  };
}

function picture({ lines, x, y, log }, context) {
  const steps = Math.max(0, ...lines.map((line) => line.values.length));
  if (!steps) return [element("p", { class: "words" }, "Nothing to draw yet.")];
  const values = lines.flatMap((line) => line.values).filter((v) => v !== null && (!log || v > 0));
  let low = Math.min(...values);
  let high = Math.max(...values);
  if (log) {
    low = Math.floor(Math.log10(low));
    high = Math.max(Math.ceil(Math.log10(high)), low + 1);
  } else if (low === high) high = low + 1;
  const across = (step) => LEFT + ((WIDTH - LEFT - RIGHT) * (steps > 1 ? step / (steps - 1) : 0.5));
  const up = (value) => {
    const place = log ? Math.log10(value) : value;
    return HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * (place - low)) / (high - low);
  };
  const marks = log ? powers(low, high) : Array.from({ length: 5 }, (_, i) => low + ((high - low) * i) / 4);
  const colours = (i) => `hsl(${(i * 137.5) % 360} 65% 50%)`;
  const cursor = shape("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, x1: LEFT, x2: LEFT });
  const told = element("div", { class: "told", role: "status" });
  const keys = lines.map((line, i) => {
    const swatch = element("span", { class: "swatch" });
    swatch.style.background = colours(i);
    const value = element("span", { class: "value" });
    const key = element("button", { type: "button", class: "key", "aria-pressed": "false", onclick: () => pick(i) }, [swatch, line.name, value]);
    return { key, value };
  });
  const paths = lines.map((line, i) => {
    const path = shape("path", { class: "line", d: trace(line.values, across, up, log) });
    path.style.stroke = colours(i);
    return path;
  });
  let at = steps - 1;
  let picked = -1;
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", tabindex: 0, "aria-label": `${y} over ${x}, ${lines.length} lines; arrow keys move from step to step` }, [
    ...marks.map((mark) => shape("g", {}, [
      shape("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: up(mark), y2: up(mark) }),
      shape("text", { x: LEFT - 8, y: up(mark) + 4, "text-anchor": "end", class: "mark" }, number(mark, 3)),
    ])),
    shape("text", { x: LEFT, y: HEIGHT - 8, class: "mark" }, `${x} 1`),
    shape("text", { x: WIDTH - RIGHT, y: HEIGHT - 8, "text-anchor": "end", class: "mark" }, String(steps)),
    cursor,
    ...paths,
  ]);
  const go = (step) => {
    at = Math.min(Math.max(step, 0), steps - 1);
    cursor.setAttribute("x1", across(at));
    cursor.setAttribute("x2", across(at));
    told.textContent = `${x} ${at + 1}`;
    lines.forEach((line, i) => {
      const value = line.values[at];
      keys[i].value.textContent = value === null || value === undefined ? "–" : number(value, 3);
    });
  };
  function pick(i) {
    picked = picked === i ? -1 : i;
    paths.forEach((path, j) => path.classList.toggle("faint", picked >= 0 && j !== picked));
    keys.forEach(({ key }, j) => key.setAttribute("aria-pressed", String(j === picked)));
  }
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * WIDTH;
    go(Math.round(((place - LEFT) / (WIDTH - LEFT - RIGHT)) * (steps - 1)));
  });
  svg.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: steps - 1 }[event.key];
    if (move === undefined) return;
    event.preventDefault();
    go(move);
    context.say(`${x} ${at + 1}: ${lines.map((line) => `${line.name} ${line.values[at] === null ? "none" : number(line.values[at], 3)}`).join(", ")}`);
  });
  go(at);
  return [element("p", { class: "axis" }, y), element("div", { class: "plot" }, svg), told, element("div", { class: "keys" }, keys.map(({ key }) => key))];
}

function powers(low, high) {
  const step = Math.max(1, Math.ceil((high - low) / 8));
  const marks = [];
  for (let p = low; p <= high; p += step) marks.push(10 ** p);
  return marks;
}

function trace(values, across, up, log) {
  let path = "";
  let drawing = false;
  values.forEach((value, step) => {
    if (value === null || (log && value <= 0)) {
      drawing = false;
      return;
    }
    path += `${drawing ? "L" : "M"}${across(step).toFixed(1)} ${up(value).toFixed(1)}`;
    if (!drawing && (values[step + 1] === null || values[step + 1] === undefined)) path += "h0.01"; // a point alone
    drawing = true;
  });
  return path;
}

export default { kind: "lines", style, render };
