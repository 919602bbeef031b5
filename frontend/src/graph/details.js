// What is told of a card that is looked at closely.
import { element, shape } from "../lib/dom.js";
import { number } from "../lib/format.js";

const SOURCES = {
  variable: "held by a variable",
  kept: "kept for backward",
  leaf: "a leaf",
  recorded: "noted while it was computed",
  "computed again": "held by nobody, computed again for this picture",
  "": "not kept: nobody holds the value any more. Inside “with penlight.explain.record():” it is noted.",
};

const read = (value) => (typeof value === "string" ? Number(value.replace("inf", "Infinity")) : value);

/** A tensor as a table of numbers, or its summary and histogram. */
export function tensor(seen, style, words) {
  if (!seen) return element("p", { class: "muted" }, "unknown");
  if (seen.values !== undefined) {
    const table = element("table", { class: `tensor ${style}`, "aria-label": words },
      element("tbody", {}, rows(seen.values).map((row) => element("tr", {}, row.map((value) => element("td", {}, text(value)))))));
    return table;
  }
  const summary = seen.summary;
  if (summary.low === undefined) return element("p", {}, "no finite value");
  const top = Math.max(...summary.histogram);
  const bars = summary.histogram.map((count, i) =>
    shape("rect", { x: 14 * i, y: 60 - (56 * count) / top, width: 12, height: Math.max((56 * count) / top, count ? 1 : 0), class: `bars ${style}` }));
  const entries = ["low", "high", "mean", "std", "norm"].map((key) => `${key} ${number(read(summary[key]))}`);
  const broken = summary.nan + summary.inf;
  return element("div", { class: "summary" }, [
    shape("svg", { class: "flow histogram", width: 168, height: 62, role: "img", "aria-label": `${words}: histogram from ${number(summary.low)} to ${number(summary.high)}` }, bars),
    element("p", {}, entries.join(", ") + (broken ? `; ${broken} not finite` : "")),
  ]);
}

const text = (value) => (typeof value === "boolean" ? String(value) : number(read(value)));

function rows(values) {
  if (!Array.isArray(values)) return [[values]];
  if (!Array.isArray(values[0])) return [values];
  return values.flatMap(rows);
}

export function details(description, name, edges) {
  const card = description.cards[Number(name.slice(1))];
  const told = description.details[name.slice(1)];
  if (!told) return [element("p", {}, card.words)];
  const parts = [element("h3", {}, card.text.split("\n")[0]), element("p", { class: "muted" }, told.node)];
  for (const output of told.outputs) {
    parts.push(element("div", { class: "pair" }, [
      element("div", {}, [element("h4", {}, `${output.name}, ${output.shape} ${output.dtype}`), output.value && tensor(output.value, "values", `Values of ${output.name}`),
        element("p", { class: "muted" }, SOURCES[output.source])]),
      output.grad && element("div", { class: "warm" }, [element("h4", {}, `gradient of ${output.name}`), tensor(output.grad, "grads", `Gradient of ${output.name}`)]),
    ]));
  }
  const uses = edges.filter((edge) => edge.ends[0] === name && edge.grad);
  if (uses.length > 1) {
    parts.push(element("h4", {}, `This gradient is the sum of ${uses.length} shares`), element("ul", {}, uses.map((edge) =>
      element("li", {}, [`from ${heading(description, edge.ends[1])}: `, tensor(edge.grad, "grads", "share")]))));
  }
  if (told.rule) parts.push(element("h4", {}, "Backward"), element("p", {}, `${told.rule}.`), element("ul", {}, (told.back ?? []).map((line) => element("li", {}, element("code", {}, line)))));
  if (told.place) parts.push(element("h4", {}, "Made by"), element("pre", {}, told.code), element("p", { class: "muted" }, told.place));
  if (told.source) parts.push(element("h4", {}, "Its source"), element("pre", {}, told.source));
  return parts;
}

const heading = (description, name) =>
  name[0] === "c" ? description.cards[Number(name.slice(1))].text.split("\n")[0] : description.groups[name].title;

export function groupDetails(description, name) {
  const group = description.groups[name];
  return [element("h3", {}, group.title), element("p", {}, `${group.count} nodes. Enter or a click opens and closes the box.`)];
}
