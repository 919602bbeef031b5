// Numbers as they are read.

const MINUS = "−";

/** A number with so many significant digits, no trailing zeros, and a proper minus. */
export function number(value, digits = 4) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  if (value === 0) return "0";
  const size = Math.abs(value);
  let text;
  if (size >= 1e6 || size < 1e-4) text = value.toExponential(Math.max(digits - 2, 0)).replace(/\.?0+e/, "e").replace("e+", "e");
  else {
    text = value.toPrecision(digits);
    if (text.includes("e")) text = String(Number(text));
    if (text.includes(".")) text = text.replace(/\.?0+$/, "");
  }
  return text.replaceAll("-", MINUS);
}

/** A number in so many characters, with as many digits as fit. */
export function fitting(value, characters) {
  let text = "";
  for (let digits = 4; digits > 0; digits--) {
    text = number(value, digits).replace(/^(−?)0\./, "$1.");
    if (text.length <= characters) break;
  }
  return text;
}

/** A factor in a product or sum: negative ones in brackets. */
export const factor = (value, digits) => (value < 0 ? `(${number(value, digits)})` : number(value, digits));

/** A whole number with thin spaces between thousands. */
export const count = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** "1 cell", "2 cells". */
export const many = (value, one, more = `${one}s`) => `${count(value)} ${value === 1 ? one : more}`;

/** A shape as PyTorch prints a tuple. */
export const tuple = (sizes) => (sizes.length === 1 ? `(${sizes[0]},)` : `(${sizes.join(", ")})`);
