// The page of `penlight explore`: examples, code to change, and what the engine makes of it.
import { element, freshId } from "../lib/dom.js";
import { many, number } from "../lib/format.js";
import style from "./explore.css";

const MOST_FILE = 30_000_000;

function render(root, { examples }, context) {
  const ask = context.ask;
  const id = freshId("code");
  const words = element("p", { class: "about" });
  const code = element("textarea", { id, spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", rows: 8 });
  const runButton = element("button", { type: "button", class: "run", onclick: () => run() }, "Run");
  const stopButton = element("button", { type: "button", disabled: true, onclick: () => ask({ do: "stop" }).catch(tell) }, "Stop");
  const file = element("input", { type: "file", id: freshId("file"), accept: ".wav,image/*", onchange: () => open(file.files[0]) });
  const status = element("p", { class: "status", role: "status" });
  const problem = element("pre", { class: "traceback", role: "alert" });
  const output = element("pre", { class: "output", tabindex: 0, "aria-label": "What was printed" });
  const pictures = element("div", { class: "pictures" });
  const list = element("ol", {}, examples.map((example, i) => element("li", {}, element("button", { type: "button", onclick: () => (choose(i), run()) }, example.title))));
  let drawn = [];

  code.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    }
  });
  root.append(
    element("div", { class: "explore" }, [
      element("nav", { "aria-label": "Examples" }, [
        element("h3", {}, "Examples"), list,
        element("h3", {}, element("label", { for: file.id }, "A sound or an image of yours")), file,
        element("p", { class: "hint" }, "A .wav file or an image; it stays on this machine."),
      ]),
      element("div", { class: "work" }, [
        words,
        element("label", { for: id, class: "unseen" }, "Python code"), code,
        element("div", { class: "actions" }, [runButton, stopButton, element("span", { class: "hint" }, "Ctrl + Enter runs. There are torch, nn, viz, explain and show().")]),
        status, problem, output,
      ]),
    ]),
    pictures,
  );

  function choose(i) {
    list.querySelectorAll("button").forEach((button, k) => (k === i ? button.setAttribute("aria-current", "true") : button.removeAttribute("aria-current")));
    words.textContent = examples[i]?.words ?? "";
    if (examples[i]) fill(examples[i].code);
  }

  function fill(text) {
    code.value = text;
    code.rows = Math.min(Math.max(text.split("\n").length + 1, 8), 26);
  }

  function tell(error) {
    status.textContent = "";
    problem.textContent = error.message;
  }

  async function run() {
    if (runButton.disabled) return;
    runButton.disabled = true;
    stopButton.disabled = false;
    status.textContent = "Running …";
    try {
      const answer = await ask({ do: "run", code: code.value });
      problem.textContent = answer.error ?? "";
      output.textContent = answer.output;
      drawn.forEach((picture) => picture.destroy());
      pictures.replaceChildren();
      drawn = answer.pictures.map(({ id: picture, description, live }) => {
        const host = element("div", {});
        pictures.append(host);
        return context.mount(host, description, live ? (request) => ask({ do: "ask", picture, request }) : null);
      });
      status.textContent = `${answer.error ? "Failed" : "Done"} in ${number(answer.seconds, 2)} s, ${many(drawn.length, "picture")}.`;
    } catch (error) {
      tell(error);
    }
    runButton.disabled = false;
    stopButton.disabled = true;
  }

  async function open(chosen) {
    if (!chosen) return;
    problem.textContent = "";
    if (chosen.size > MOST_FILE) return tell(new Error(`${chosen.name} has ${chosen.size} bytes, at most ${MOST_FILE} are read.`));
    const bytes = new Uint8Array(await chosen.arrayBuffer());
    let text = "";
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    try {
      const answer = await ask({ do: "open", name: chosen.name, content: btoa(text) });
      choose(-1);
      words.textContent = answer.words;
      fill(answer.code);
      run();
    } catch (error) {
      tell(error);
    }
  }

  choose(0);
  run();
  return { destroy: () => drawn.forEach((picture) => picture.destroy()) };
}

export default { kind: "explore", style, render };
