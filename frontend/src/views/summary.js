// A net's layers as a table: what goes in and out, parameters, multiply-adds, memory.
import { element } from "../lib/dom.js";
import { count, tuple } from "../lib/format.js";
import style from "./summary.css";

const bytes = (n) => (n >= 2 ** 20 ? `${(n / 2 ** 20).toFixed(2)} MiB` : n >= 1024 ? `${(n / 1024).toFixed(1)} KiB` : `${n} B`);
const shapes = (list) => list.map(tuple).join(", ") || "–";

function render(root, { rows, totals }) {
  const most = { parameters: 1, multiplyAdds: 1, bytes: 1 };
  for (const row of rows) if (row.leaf) for (const name in most) most[name] = Math.max(most[name], row[name]);
  const bar = (row, name, text) =>
    element("td", { class: "number" }, [
      row.leaf && row[name] > 0 && element("span", { class: `bar ${name}`, "aria-hidden": "true", "data-share": row[name] / most[name] }),
      element("span", {}, row[name] ? text(row[name]) : "–"),
    ]);
  const head = ["layer", "type", "in", "out", "parameters", "multiply-adds", "memory of results"];
  const table = element("table", {}, [
    element("thead", {}, element("tr", {}, head.map((name, i) => element("th", { scope: "col", class: i > 3 ? "number" : null }, name)))),
    element("tbody", {}, rows.map((row) => {
      const name = element("th", { scope: "row", class: row.leaf ? "leaf" : "whole" }, row.calls > 1 ? `${row.layer} × ${row.calls}` : row.layer);
      name.style.paddingLeft = `${8 + 18 * row.depth}px`;
      return element("tr", {}, [
        name,
        element("td", {}, row.kind),
        element("td", { class: "mono" }, shapes(row.inputs)),
        element("td", { class: "mono" }, shapes(row.outputs)),
        bar(row, "parameters", count),
        bar(row, "multiplyAdds", count),
        bar(row, "bytes", bytes),
      ]);
    })),
    element("tfoot", {}, element("tr", {}, [
      element("th", { scope: "row", colspan: 4 }, `all together; ${count(totals.trainable)} parameters are learned`),
      element("td", { class: "number" }, count(totals.parameters)),
      element("td", { class: "number" }, count(totals.multiplyAdds)),
      element("td", { class: "number" }, bytes(totals.outputBytes)),
    ])),
  ]);
  for (const share of table.querySelectorAll(".bar")) share.style.width = `${Math.max(2, 100 * share.dataset.share)}%`;
  root.append(element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of layers" }, table));
}

export default { kind: "summary", style, render };
