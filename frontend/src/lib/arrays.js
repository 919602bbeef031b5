// Arrays as penlight/viz/encode.py writes them.

const KINDS = {
  float32: Float32Array, float64: Float64Array, int64: BigInt64Array, int32: Int32Array,
  int16: Int16Array, int8: Int8Array, uint8: Uint8Array,
};

/** {shape, values} or {shape, dtype, base64} to {shape, data}, data a typed array or a list of numbers. */
export function readArray(written) {
  if (!written) return null;
  const { shape, dtype, values, base64 } = written;
  if (values) return { shape, data: Float64Array.from(values) };
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const data = new KINDS[dtype](bytes.buffer);
  return { shape, data: dtype === "int64" ? Float64Array.from(data, Number) : data };
}
