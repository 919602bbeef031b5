// Values as colours: warm above zero, cold below, the paper at zero.
import { colour } from "./theme.js";

const parts = (text) => {
  const [r, g, b] = text.match(/[\d.]+/g).map(Number);
  return text.startsWith("color(") ? [r * 255, g * 255, b * 255] : [r, g, b];
};

/** A function from a value to [r, g, b, alpha 0 to 255], for values up to largest. */
export function heat(root, largest) {
  const warm = parts(colour(root, "--warm-fill"));
  const cold = parts(colour(root, "--cold-fill"));
  const scale = largest > 0 ? 1 / largest : 0;
  return (value) => {
    if (Number.isNaN(value)) return [128, 128, 128, 90];
    const [r, g, b] = value < 0 ? cold : warm;
    return [r, g, b, Math.min(Math.abs(value) * scale, 1) * 255];
  };
}

/** The same as a CSS colour. */
export const css = ([r, g, b, a]) => `rgb(${r | 0} ${g | 0} ${b | 0} / ${(a / 255).toFixed(3)})`;

/** The largest absolute value that is a number. */
export function largest(...lists) {
  let most = 0;
  for (const list of lists) for (const value of list) if (Math.abs(value) > most && Number.isFinite(value)) most = Math.abs(value);
  return most;
}
