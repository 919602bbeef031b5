// The chart itself: boxes, edges and cards as SVG, that fold and are walked by keys. Used by the graph and the
// stepping view.
import { shape } from "../lib/dom.js";
import { curve, visibleEdges } from "./edges.js";
import { place } from "./place.js";

const BORDER = 14;
const NEAREST = 0.2;

/** Shapes as Python describes them ([tag, attributes, text or shapes]) to elements. */
export const build = (shapes) =>
  shapes.map(([tag, attributes, content]) =>
    shape(tag, attributes, content === undefined ? [] : typeof content === "string" ? content : build(content)),
  );

/**
 * Gives {node, svg, redraw(), select(name, focus), setFolded(set), zoom(factor), fit()}; calls onSelect(name) for the
 * card or box that is looked at, and onFold(names) when boxes were opened or closed.
 */
export function chart(description, { gradients, onSelect }) {
  const folded = new Set(description.folded);
  const svg = shape("svg", { class: "flow", role: "group", "aria-label": `${description.title}. ${description.words}` });
  const node = document.createElement("div");
  node.className = "sheet";
  node.append(svg);
  let drawn = new Map(); // name to element
  let edges = [];
  let at = new Map();
  let gaps = [];
  let size = [0, 0];
  let scale = 1;
  let selected = null;
  let layer = gradients;

  function redraw() {
    const placed = place(description, folded);
    at = placed.at;
    gaps = placed.gaps;
    size = [placed.width + 2 * BORDER, placed.height + 2 * BORDER];
    edges = visibleEdges(description, folded, at);
    drawn = new Map();
    const boxes = shape("g");
    const cards = shape("g");
    const groups = Object.entries(description.groups).sort(([, a], [, b]) => a.depth - b.depth);
    for (const [name, group] of groups) {
      if (!at.has(name)) continue;
      const [x, y, width, height] = at.get(name);
      const closed = folded.has(name);
      const inside = closed
        ? build(group.shapes)
        : [shape("rect", { class: "frame", width, height, rx: 10 }), shape("text", { class: "small", x: 12, y: 18 }, `▾ ${group.title}`)];
      const words = closed ? group.words : `Box ${group.title}, open: ${group.count} nodes`;
      add(closed ? cards : boxes, name, [x, y], inside, words, { "aria-expanded": String(!closed) });
    }
    description.cards.forEach((card, i) => {
      const name = `c${i}`;
      if (at.has(name)) add(cards, name, at.get(name), build(card.shapes), card.words);
    });
    const lines = shape("g", { "aria-hidden": "true" });
    const tips = shape("g", { "aria-hidden": "true" });
    for (const edge of edges) edge.elements = drawEdge(edge, lines, tips);
    svg.replaceChildren(shape("rect", { class: "paper", width: size[0], height: size[1] }),
      shape("g", { transform: `translate(${BORDER} ${BORDER})` }, [boxes, lines, cards, tips]));
    svg.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
    resize();
    showLayer(layer);
    if (selected && !drawn.has(selected)) selected = null;
    mark(selected ?? first());
  }

  function add(parent, name, [x, y], content, words, more = {}) {
    const element = shape("g", {
      class: "place", role: name[0] === "g" ? "button" : "img", tabindex: -1, "aria-label": words, "data-name": name,
      transform: `translate(${x} ${y})`, ...more,
      onclick: (event) => {
        event.stopPropagation();
        select(name, true);
        if (name[0] === "g") toggle(name);
      },
      onfocus: () => select(name, false),
      onpointerenter: () => light(name, true),
      onpointerleave: () => light(name, false),
    }, [shape("rect", { class: "ring", x: -3, y: -3, width: at.get(name)[2] + 6, height: at.get(name)[3] + 6, rx: 10 }),
      shape("g", { "aria-hidden": "true" }, content)]); // its words are the label
    drawn.set(name, element);
    parent.append(element);
  }

  function drawEdge(edge, lines, tips) {
    const { points } = edge;
    const [endX, endY] = points.at(-1);
    const made = [
      shape("path", { class: `edge ${edge.kind}`, d: curve([...points.slice(0, -1), [endX - 5, endY]], gaps) }),
      shape("path", { class: "tip", d: `M${endX} ${endY}l-7 -4v8z` }),
    ];
    lines.append(made[0]);
    tips.append(made[1]);
    if (!edge.label) return made;
    const back = points.map(([x, y]) => [x, y + 5]);
    const [x, y] = back[0];
    const line = shape("g", { class: "layer" }, shape("path", { class: "edge back", d: curve([[x + 5, y], ...back.slice(1)], gaps) }));
    const tip = shape("g", { class: "layer" }, shape("path", { class: "tip back", d: `M${x} ${y}l7 -4v8z` }));
    if (edge.shared) tip.append(shape("text", { class: "small grads halo", x: endX - 6, y: endY + 17, "text-anchor": "end" }, edge.label));
    lines.append(line);
    tips.append(tip);
    return [...made, line, tip];
  }

  const first = () => [...drawn.keys()].find((name) => name[0] === "c") ?? drawn.keys().next().value;

  function mark(name) {
    for (const [other, element] of drawn) {
      element.setAttribute("tabindex", other === name ? 0 : -1);
      element.classList.toggle("picked", other === selected);
    }
  }

  function select(name, focus) {
    if (!drawn.has(name)) return;
    const changed = selected !== name;
    selected = name;
    mark(name);
    if (focus) drawn.get(name).focus({ preventScroll: true });
    bring(name);
    if (changed) onSelect(name);
  }

  /** Scrolls the sheet, and only the sheet, so that a card is seen. */
  function bring(name) {
    const [x, y, width, height] = at.get(name).map((value) => value * scale);
    if (x < node.scrollLeft || x + width > node.scrollLeft + node.clientWidth) {
      node.scrollLeft = x + width / 2 - node.clientWidth / 2;
    }
    if (y < node.scrollTop || y + height > node.scrollTop + node.clientHeight) {
      node.scrollTop = y + height / 2 - node.clientHeight / 2;
    }
  }

  function light(name, on) {
    for (const edge of edges) {
      if (edge.ends.includes(name)) for (const element of edge.elements) element.classList.toggle("lit", on);
    }
  }

  function toggle(name) {
    if (folded.has(name)) folded.delete(name);
    else folded.add(name);
    redraw();
    drawn.get(name)?.focus({ preventScroll: true });
  }

  // Right and left follow edges, up and down go through what is drawn in the column's order.
  function keys(event) {
    if (!selected || event.ctrlKey || event.metaKey || event.altKey) return;
    let next;
    if (event.key === "ArrowRight") next = edges.find((edge) => edge.ends[0] === selected)?.ends[1];
    else if (event.key === "ArrowLeft") next = edges.find((edge) => edge.ends[1] === selected)?.ends[0];
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") next = beside(event.key === "ArrowDown" ? 1 : -1);
    else if ((event.key === "Enter" || event.key === " ") && selected[0] === "g") {
      event.preventDefault();
      toggle(selected);
      return;
    } else return;
    event.preventDefault();
    if (next) select(next, true);
  }

  /** The nearest above or below; from the last of a column on to the next in the order of the program. */
  function beside(way) {
    const names = [...drawn.keys()].filter((name) => name[0] === "c" || folded.has(name) || name === selected);
    const [x, y, width] = at.get(selected);
    const near = names
      .filter((name) => name !== selected && at.get(name)[0] < x + width && at.get(name)[0] + at.get(name)[2] > x)
      .filter((name) => (at.get(name)[1] - y) * way > 0)
      .sort((a, b) => (at.get(a)[1] - at.get(b)[1]) * way);
    return near[0] ?? names[names.indexOf(selected) + way];
  }

  function resize() {
    svg.setAttribute("width", size[0] * scale);
    svg.setAttribute("height", size[1] * scale);
  }

  function showLayer(on) {
    layer = on;
    svg.classList.toggle("plain", !on);
  }

  svg.addEventListener("keydown", keys);
  redraw();
  return {
    node, svg, redraw, select, showLayer,
    edges: () => edges,
    element: (name) => drawn.get(name),
    selected: () => selected,
    setFolded(names) {
      folded.clear();
      for (const name of names) folded.add(name);
      redraw();
    },
    /** Opens the boxes around a card. */
    reveal(card) {
      let name = description.cards[Number(card.slice(1))].parent;
      let changed = false;
      for (; name !== "root"; name = description.groups[name].parent) changed = folded.delete(name) || changed;
      if (changed) redraw();
    },
    zoom(factor) {
      scale = Math.min(Math.max(scale * factor, NEAREST / 4), 3);
      resize();
    },
    fit() {
      scale = Math.min(Math.max(node.clientWidth / size[0], NEAREST), 1);
      resize();
    },
    /** As wide as the page allows while it can be read, looking at the result. */
    start() {
      scale = Math.min(Math.max(node.clientWidth / size[0], 0.75), 1);
      resize();
      select(`c${description.cards.length - 1}`, false);
    },
  };
}
