// Elements from plain calls. Text is always text: nothing here parses markup.

function make(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of [children].flat(3)) if (child || child === 0) node.append(child);
  return node;
}

/** element("button", {class: "x", onclick: f}, ["text", otherElement]) */
export const element = (tag, attributes = {}, children = []) => make(document.createElement(tag), attributes, children);

/** The same for SVG. */
export const shape = (tag, attributes = {}, children = []) =>
  make(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

let made = 0;

/** An id that no other element of the page has. */
export const freshId = (name = "id") => `penlight-${name}-${++made}`;
