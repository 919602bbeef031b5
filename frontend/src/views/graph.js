// The flow chart of a recorded graph: values to the right, gradients back; boxes fold, a card tells its details.
import { chart } from "../graph/chart.js";
import { details, groupDetails } from "../graph/details.js";
import { tick } from "../lib/controls.js";
import { element } from "../lib/dom.js";
import style from "./graph.css";

function render(root, description, context) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(description.style);
  root.getRootNode().adoptedStyleSheets.push(sheet);
  const panel = element("div", { class: "details", role: "region", tabindex: 0, "aria-label": "Details of the card" });
  const drawing = chart(description, {
    gradients: description.gradients && description.hasGradients,
    onSelect(name) {
      const told = name[0] === "c" ? details(description, name, drawing.edges()) : groupDetails(description, name);
      panel.replaceChildren(...told);
      context.say(name[0] === "c" ? description.cards[Number(name.slice(1))].words : description.groups[name].title);
    },
  });
  const button = (words, sign, action) =>
    element("button", { type: "button", "aria-label": words, title: words, onclick: action }, sign);
  const groups = Object.keys(description.groups);
  const gradients = description.hasGradients
    ? tick({ label: "Gradients", value: description.gradients, onChange: drawing.showLayer }).node
    : element("span", { class: "muted" }, description.without ? `No gradients: ${description.without}.` : "");
  root.append(
    element("div", { class: "bar", role: "group", "aria-label": "View of the flow chart" }, [
      gradients,
      groups.length > 0 && button("Open all boxes", "Open all", () => drawing.setFolded([])),
      groups.length > 0 && button("Close all boxes", "Close all", () => drawing.setFolded(groups)),
      button("Smaller", "−", () => drawing.zoom(1 / 1.25)),
      button("Larger", "+", () => drawing.zoom(1.25)),
      button("Fit the width", "Fit", () => drawing.fit()),
    ]),
    drawing.node,
    element("p", { class: "muted" },
      "Choose a card, or walk with the arrow keys: → along the values, ← back. Enter opens and closes a box."),
    panel,
  );
  drawing.start();
}

export default { kind: "graph", style, render };
