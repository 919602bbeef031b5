// The base of the front end: puts a described picture into a page, a notebook cell or a site.
//
// A description is JSON: {"kind": "conv", "title": ..., "words": ..., ...}. Each kind has a view, a file in
// views/ which exports {kind, style, render(root, description, context)}:
//   root         the element to fill
//   context.ask  asks the engine that made the picture: request -> promise of its answer; null on a saved page
//   context.say  hands a sentence to screen readers
//   context.mount(host, description, ask)  draws another picture inside this one
//   context.onTheme(callback)  calls back when light turns dark or the other way, to paint a canvas anew
// render may return {update(description), destroy()}.
import { element } from "./lib/dom.js";
import { followTheme } from "./lib/theme.js";
import style from "./style.css";

const views = new Map();

export function add(view) {
  views.set(view.kind, view);
}

/** Draws a description inside an element, with a style of its own; gives {update, destroy}. */
export function mount(host, description, ask = null) {
  const shadow = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  shadow.replaceChildren();
  const view = views.get(description.kind);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style + (view?.style ?? ""));
  shadow.adoptedStyleSheets = [sheet];

  const live = element("p", { class: "unseen", "aria-live": "polite" });
  const body = element("div", { class: "body" });
  const root = element("section", { class: "picture", "aria-label": description.title ?? description.kind }, [
    description.title && element("h2", {}, description.title),
    description.words && element("p", { class: "words" }, description.words),
    body,
    live,
  ]);
  shadow.append(root);
  const theme = followTheme(host);
  const context = { ask, say: (sentence) => (live.textContent = sentence), onTheme: theme.onChange, mount };
  if (!view) {
    body.append(element("p", { class: "problem", role: "alert" }, `No view for pictures of kind “${description.kind}”.`));
    return { update() {}, destroy: theme.stop };
  }
  const drawn = view.render(body, description, context) ?? {};
  return {
    update: (next) => drawn.update?.(next),
    destroy() {
      drawn.destroy?.();
      theme.stop();
    },
  };
}

/** Draws the pictures that a saved page carries: each a <script type="application/json"> in its place. */
export function page(ask = null) {
  for (const data of document.querySelectorAll('script[type="application/json"].penlight')) {
    const host = document.createElement("div");
    data.after(host);
    mount(host, JSON.parse(data.textContent), ask);
  }
}

/** The same on a page of `penlight explore`, whose questions go to its server with the token of its address. */
export function served() {
  const token = new URLSearchParams(location.search).get("token") ?? "";
  page(async (question) => {
    const headers = { "Content-Type": "application/json", "X-Penlight-Token": token };
    let reply;
    try {
      reply = await fetch("/ask", { method: "POST", headers, body: JSON.stringify(question) });
    } catch {
      throw new Error("penlight explore does not answer: is it still running?");
    }
    if (!reply.ok) throw new Error(await reply.text());
    const { answer, error } = await reply.json();
    if (error !== undefined) throw new Error(error);
    return answer;
  });
}

/** What anywidget wants of a module: pictures of the model's description, asking the kernel by messages. */
export const widget = {
  render({ model, el }) {
    const waiting = new Map();
    let asked = 0;
    const answered = (message) => {
      const { id, answer, error } = message;
      const { resolve, reject } = waiting.get(id) ?? {};
      waiting.delete(id);
      if (error !== undefined) reject?.(new Error(error));
      else resolve?.(answer);
    };
    const ask = (request) =>
      new Promise((resolve, reject) => {
        waiting.set(++asked, { resolve, reject });
        model.send({ id: asked, request });
      });
    model.on("msg:custom", answered);
    const host = document.createElement("div");
    host.dataset.lmSuppressShortcuts = "true"; // JupyterLab's own keys stay out of the picture
    el.append(host);
    const drawn = mount(host, model.get("description"), model.get("live") ? ask : null);
    const changed = () => drawn.update(model.get("description"));
    model.on("change:description", changed);
    return () => {
      model.off("msg:custom", answered);
      model.off("change:description", changed);
      drawn.destroy();
    };
  },
};
