// What a reader moves: sliders, choices, buttons, and a player of steps.
import { element, freshId, shape } from "./dom.js";

// Signs on buttons are drawn: not every font has them.
const SIGNS = {
  first: "M3 3h2v10H3zM14 3v10L6 8z",
  back: "M10 2.5 4.5 8l5.5 5.5 1.6-1.6L7.7 8l3.9-3.9z",
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  on: "M6 2.5 11.5 8 6 13.5l-1.6-1.6L8.3 8 4.4 4.1z",
  last: "M2 3v10l8-5zM11 3h2v10h-2z",
};
const sign = (name) => shape("svg", { viewBox: "0 0 16 16", width: 14, height: 14, class: "sign", "aria-hidden": "true" }, shape("path", { d: SIGNS[name] }));

/**
 * A slider with its value beside it; onChange(number) while it moves. spoken is its label for screen readers, where
 * that is another. Gives {node, set(value, limits)}.
 */
export function slider({ label, spoken = null, min, max, value, step = 1, show = String, onChange }) {
  const id = freshId("slider");
  const output = element("output", { for: id }, show(value));
  const input = element("input", {
    type: "range", id, min, max, step, "aria-label": spoken,
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
  const button = (words, name, action) =>
    element("button", { type: "button", "aria-label": words, title: words, onclick: action }, sign(name));
  const go = (step) => {
    at = Math.min(Math.max(step, 0), steps - 1);
    draw();
    onStep(at);
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.replaceChildren(sign("play"));
    play.setAttribute("aria-label", "Play");
    play.title = "Play";
  };
  const start = () => {
    if (at >= steps - 1) go(0);
    timer = setInterval(() => (at >= steps - 1 ? stop() : go(at + 1)), interval);
    play.replaceChildren(sign("pause"));
    play.setAttribute("aria-label", "Pause");
    play.title = "Pause";
  };
  const toggle = () => (timer === null ? start() : stop());
  const play = button("Play", "play", toggle);
  const range = element("input", { type: "range", min: 0, "aria-label": label, oninput: () => (stop(), go(Number(range.value))) });
  const output = element("output", {});
  const node = element("div", { class: "player", role: "group", "aria-label": label, onkeydown: keys }, [
    button("First", "first", () => (stop(), go(0))),
    button("Back", "back", () => (stop(), go(at - 1))),
    play,
    button("On", "on", () => (stop(), go(at + 1))),
    button("Last", "last", () => (stop(), go(steps - 1))),
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
