// The products behind one number and their sum, laid out like the kernel.
import { element } from "../lib/dom.js";
import { factor, many, number } from "../lib/format.js";

const SHOWN_GROUPS = 4;
const SHOWN_TERMS = 49;

/**
 * groups: [{name, columns, terms: [{a, b, note, on}]}], where a × b are the factors; bias or null; total: the number that
 * the engine gives. names: [what a is, what b is]. onTerm(group, term) is called for the term under the pointer.
 * chosen is the group to show among many.
 */
export function sums({ groups, bias, total, title, names, chosen = 0, onTerm }) {
  const first = groups.length <= SHOWN_GROUPS ? 0 : Math.min(Math.max(chosen - 1, 0), groups.length - SHOWN_GROUPS);
  const wide = groups.some((group) => group.terms.length > 9);
  const shown = wide ? groups.slice(chosen, chosen + 1) : groups.slice(first, first + SHOWN_GROUPS);
  const sumOf = (group) => group.terms.reduce((sum, { a, b }) => sum + a * b, 0);
  const blocks = shown.map((group) => {
    const terms = group.terms.slice(0, SHOWN_TERMS);
    const cells = terms.map((term) =>
      element("div", { class: `product${term.dashed ? " noted" : ""}`, title: term.note ?? "", onpointerenter: () => onTerm?.(group, term) }, [
        element("span", { class: "factors" }, [element("span", { class: "a" }, number(term.a, 3)), " × ", element("span", { class: "b" }, factor(term.b, 3))]),
        element("span", { class: "equals" }, number(term.a * term.b, 3)),
        term.note && element("span", { class: "note" }, term.note),
      ]),
    );
    const table = element("div", { class: "products" }, cells);
    if (group.columns) table.style.gridTemplateColumns = `repeat(${group.columns}, minmax(5.4em, 1fr))`;
    const rest = group.terms.length - terms.length;
    return element("div", { class: "block" }, [
      element("h4", {}, [group.name, element("span", { class: "partial" }, ` sum ${number(sumOf(group))}`)]),
      group.terms.length ? element("div", { class: "scroll", tabindex: group.columns > 3 ? 0 : null, role: group.columns > 3 ? "group" : null, "aria-label": group.columns > 3 ? `Products, ${group.name}` : null }, table) : element("p", { class: "words" }, "nothing: no product has it"),
      rest > 0 && element("p", { class: "words" }, `… and ${many(rest, "more product")}`),
    ]);
  });
  const hidden = groups.length - shown.length;
  const others = groups.filter((group) => !shown.includes(group)).reduce((sum, group) => sum + sumOf(group), 0);
  const line = [
    ...shown.map((group) => number(sumOf(group))),
    ...(hidden ? [`${number(others)} (${many(hidden, "other channel")})`] : []),
    ...(bias === null ? [] : [`${number(bias)} (bias)`]),
  ];
  return element("div", { class: "sums" }, [
    element("h3", {}, title),
    element("p", { class: "legend" }, ["Each product is ", element("span", { class: "a" }, names[0]), " × ", element("span", { class: "b" }, names[1]), "."]),
    ...blocks,
    element("p", { class: "total" }, [`${line.join(" + ").replaceAll("+ −", "− ")} = `, element("output", { class: "result", "data-value": total }, number(total, 5))]),
  ]);
}
