// What a reader moves: sliders, choices, buttons, and a player of steps.
import { element, freshId } from "./dom.js";

/** A slider with its value beside it; onChange(number) while it moves. Gives {node, set(value, limits)}. */
export function slider({ label, min, max, value, step = 1, show = String, onChange }) {
  const id = freshId("slider");
  const output = element("output", { for: id }, show(value));
  const input = element("input", {
    type: "range", id, min, max, step,
    oninput() {
      output.textContent = show(Number(input.value));
      input.setAttribute("aria-valuetext", output.textContent);
      onChange(Number(input.value));
    },
  });
  input.value = value;
  input.setAttribute("aria-valuetext", show(value));
  const node = element("div", { class: "control" }, [element("label", { for: id }, label), input, output]);
  return {
    node,
    set(next, limits = {}) {
      if (limits.min !== undefined) input.min = limits.min;
      if (limits.max !== undefined) input.max = limits.max;
      input.value = next;
      output.textContent = show(next);
      input.setAttribute("aria-valuetext", output.textContent);
    },
  };
}

/** A list to choose from: options are [value, words]. */
export function choice({ label, options, value, onChange }) {
  const id = freshId("choice");
  const input = element("select", { id, onchange: () => onChange(input.value) });
  const fill = (list) => input.replaceChildren(...list.map(([key, words]) => element("option", { value: key }, words)));
  fill(options);
  input.value = value;
  return {
    node: element("div", { class: "control" }, [element("label", { for: id }, label), input]),
    set(next, list) {
      if (list) fill(list);
      input.value = next;
    },
  };
}

/** A box to tick. */
export function tick({ label, value, onChange }) {
  const input = element("input", { type: "checkbox", checked: value, onchange: () => onChange(input.checked) });
  return { node: element("label", { class: "tick" }, [input, label]), set: (next) => (input.checked = next) };
}

/** A few buttons of which one is pressed: options are [value, words]. */
export function tabs({ label, options, value, onChange }) {
  const buttons = options.map(([key, words]) =>
    element("button", { type: "button", "aria-pressed": String(key === value), onclick: () => choose(key) }, words),
  );
  const choose = (key) => {
    set(key);
    onChange(key);
  };
  const set = (key) => buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(options[i][0] === key)));
  return { node: element("div", { class: "tabs", role: "group", "aria-label": label }, buttons), set };
}

/**
 * Buttons and a slider that walk through steps: first, back, play or pause, on, last.
 * Keys while any of it has the focus: left and right arrows, Home, End, space.
 * Gives {node, set(step, count), stop()}; onStep(step) on every move.
 */
export function player({ label, count, value = 0, interval = 700, show = (i, n) => `${i + 1} of ${n}`, onStep }) {
  let timer = null;
  let steps = count;
  let at = value;
  const button = (words, sign, action) =>
    element("button", { type: "button", "aria-label": words, title: words, onclick: action }, sign);
  const go = (step) => {
    at = Math.min(Math.max(step, 0), steps - 1);
    draw();
    onStep(at);
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "▶";
    play.setAttribute("aria-label", "Play");
    play.title = "Play";
  };
  const start = () => {
    if (at >= steps - 1) go(0);
    timer = setInterval(() => (at >= steps - 1 ? stop() : go(at + 1)), interval);
    play.textContent = "❚❚";
    play.setAttribute("aria-label", "Pause");
    play.title = "Pause";
  };
  const toggle = () => (timer === null ? start() : stop());
  const play = button("Play", "▶", toggle);
  const range = element("input", { type: "range", min: 0, "aria-label": label, oninput: () => (stop(), go(Number(range.value))) });
  const output = element("output", {});
  const node = element("div", { class: "player", role: "group", "aria-label": label, onkeydown: keys }, [
    button("First", "⏮", () => (stop(), go(0))),
    button("Back", "◀", () => (stop(), go(at - 1))),
    play,
    button("On", "▶▏", () => (stop(), go(at + 1))),
    button("Last", "⏭", () => (stop(), go(steps - 1))),
    range,
    output,
  ]);
  function keys(event) {
    const moves = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: steps - 1 };
    if (event.key in moves) {
      event.preventDefault();
      stop();
      go(moves[event.key]);
    } else if (event.key === " " && event.target.tagName !== "BUTTON") {
      event.preventDefault();
      toggle();
    }
  }
  function draw() {
    range.max = Math.max(steps - 1, 0);
    range.value = at;
    output.textContent = show(at, steps);
    range.setAttribute("aria-valuetext", output.textContent);
  }
  draw();
  return {
    node,
    stop,
    set(step, n = steps) {
      steps = n;
      at = Math.min(Math.max(step, 0), steps - 1);
      draw();
    },
  };
}
