// Light or dark, as the place that holds the picture says; otherwise as the system does.

function isDark() {
  for (const place of [document.body, document.documentElement]) {
    if (!place) continue;
    const { jpThemeLight, vscodeThemeKind, theme, mdColorScheme, bsTheme } = place.dataset;
    if (jpThemeLight) return jpThemeLight === "false"; // JupyterLab, Notebook
    if (vscodeThemeKind) return !/light/.test(vscodeThemeKind); // VS Code
    const named = theme ?? bsTheme ?? mdColorScheme;
    if (named) {
      if (/dark|slate/.test(named)) return true;
      if (/light|default/.test(named)) return false;
    }
    if (place.classList.contains("dark") || place.classList.contains("dark-theme")) return true; // marimo
    if (place.classList.contains("light") || place.classList.contains("light-theme")) return false;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

let known = new WeakMap(); // colours found, by the element that asked: to ask again costs a layout

/** Keeps the host's color-scheme that of its surroundings, which light-dark() in the style sheet follows. */
export function followTheme(host) {
  const callbacks = [];
  let dark;
  const look = () => {
    const now = isDark();
    if (now === dark) return;
    dark = now;
    known = new WeakMap();
    host.style.colorScheme = dark ? "dark" : "light";
    for (const callback of callbacks) callback(dark);
  };
  look();
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", look);
  const watcher = new MutationObserver(look);
  for (const place of [document.body, document.documentElement]) if (place) watcher.observe(place, { attributes: true });
  return {
    onChange: (callback) => callbacks.push(callback),
    stop() {
      system.removeEventListener("change", look);
      watcher.disconnect();
    },
  };
}

/** The colour that a custom property has here and now, for a canvas: colour(root, "--warm"). */
export function colour(root, name) {
  if (!known.has(root)) known.set(root, new Map());
  const colours = known.get(root);
  if (!colours.has(name)) {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    root.append(probe);
    colours.set(name, getComputedStyle(probe).color);
    probe.remove();
  }
  return colours.get(name);
}
