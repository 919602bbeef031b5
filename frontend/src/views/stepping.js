// A backward pass step by step: the flow chart on which gradients arrive one by one, and under it the arithmetic of
// the step: gradient in, local derivative, gradient out, and where it is added.
import { chart } from "../graph/chart.js";
import { tensor } from "../graph/details.js";
import { player } from "../lib/controls.js";
import { element } from "../lib/dom.js";
import graphStyle from "./graph.css";
import style from "./stepping.css";

function render(root, description, context) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(description.style);
  root.getRootNode().adoptedStyleSheets.push(sheet);
  const { steps } = description;
  const stepOf = new Map(steps.map((step, i) => [`c${step.card}`, i]));
  const panel = element("div", { class: "step", role: "region", tabindex: 0, "aria-label": "The step" });
  let moving = false;
  const drawing = chart(description, {
    gradients: true,
    onSelect(name) {
      if (!moving && stepOf.has(name)) {
        walk.set(stepOf.get(name));
        show(stepOf.get(name));
      }
    },
  });
  const walk = player({ label: "Steps of the backward pass", count: steps.length, interval: 1500,
    show: (i, n) => `step ${i + 1} of ${n}`, onStep: show });

  function show(at) {
    const step = steps[at];
    moving = true;
    if (step.card !== null) {
      drawing.reveal(`c${step.card}`);
      drawing.select(`c${step.card}`, false);
    }
    moving = false;
    arrive(at);
    panel.replaceChildren(...told(step, at, steps.length));
    context.say(`Step ${at + 1} of ${steps.length}. ${step.said}`);
  }

  /** Gradients are there on the cards whose step has come, and on the edges those have handed on. */
  function arrive(at) {
    for (const [card, when] of stepOf) drawing.element(card)?.classList.toggle("waiting", when > at);
    for (const edge of drawing.edges()) {
      const when = stepOf.get(edge.ends[1]) ?? -1;
      for (const part of edge.elements.slice(2)) part.classList.toggle("waiting", when > at);
    }
  }

  root.append(walk.node, drawing.node, panel);
  drawing.start();
  show(0);
  return { destroy: walk.stop };
}

function told(step, at, count) {
  const heading = element("h3", {}, `${at + 1} of ${count}: ${step.leaf ? `${step.formula}, a leaf` : step.formula}`);
  if (step.leaf) {
    return [heading, ...step.shares.map((share) => element("div", { class: "pair" }, [
      part("Gradient that arrives", tensor(share.added, "grads", "gradient that arrives")),
      part(step.accumulates ? `${share.name}.grad becomes` : `${share.name}.grad would become, from nothing`,
        tensor(share.after, "grads", `${share.name}.grad`)),
    ]))];
  }
  const incoming = step.incoming.filter(Boolean).map((grad) => tensor(grad, "grads", "gradient in"));
  const parts = [heading, element("p", {}, [element("code", {}, step.name), `: ${step.words}.`])];
  for (const [i, share] of step.shares.entries()) {
    const local = step.local.find((one) => one.name === share.name) ?? step.local[i];
    const kind = local.elementwise ? "slope of each element" : "Jacobian, outputs × inputs";
    parts.push(element("div", { class: "equation" }, [
      part("gradient in", incoming),
      element("span", { class: "sign", "aria-hidden": "true" }, local.elementwise ? "×" : "·"),
      part(local.matrix ? kind : "local rule", [local.matrix && tensor(local.matrix, "values", kind), element("code", {}, local.rule)]),
      element("span", { class: "sign", "aria-hidden": "true" }, "="),
      part(`gradient out, to ${share.name}`, tensor(share.added, "grads", `gradient out, to ${share.name}`)),
    ]));
    if (share.before) {
      parts.push(element("div", { class: "equation sum" }, [
        part(`${share.name} had from others`, tensor(share.before, "grads", "gradient before")),
        element("span", { class: "sign", "aria-hidden": "true" }, "+"),
        part("added now", tensor(share.added, "grads", "added now")),
        element("span", { class: "sign", "aria-hidden": "true" }, "="),
        part("together", tensor(share.after, "grads", "together")),
      ]));
    }
  }
  if (step.code) parts.push(element("h4", {}, "Made by"), element("pre", {}, step.code), element("p", { class: "muted" }, step.place));
  if (step.source) parts.push(element("h4", {}, "Its source"), element("pre", {}, step.source));
  return parts;
}

const part = (words, content) => element("div", { class: "part" }, [element("span", { class: "muted" }, words), content]);

export default { kind: "stepping", style: graphStyle + style, render };
