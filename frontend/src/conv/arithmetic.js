// A convolution's geometry and arithmetic, as penlight/explain/convolution.py states it; tests compare both.
//
// Along each axis a table says which input element tap k of output o reads: table.index[o * taps + k], -1 for none.
// That is all there is to a convolution, ordinary or transposed, of any padding mode: forward, both gradients and the
// matrix are loops over these tables.

const floorMod = (a, n) => ((a % n) + n) % n;

/** The input element that stands at a place of the padded input, by padding mode; -1 for a zero. */
export const FOLD = {
  zeros: (place, n) => (place >= 0 && place < n ? place : -1),
  circular: (place, n) => floorMod(place, n),
  replicate: (place, n) => Math.min(Math.max(place, 0), n - 1),
  reflect(place, n) {
    const steps = n - 1;
    return steps ? steps - Math.abs(floorMod(place, 2 * steps) - steps) : 0;
  },
};

/** Cells before and after an axis of n elements. */
export function pads(settings, axis, n) {
  const { padding, stride, dilation, kernel } = settings;
  const reach = dilation[axis] * (kernel[axis] - 1);
  if (padding === "valid") return [0, 0];
  if (padding === "causal") return [reach, 0];
  if (padding === "same") {
    const wanted = Math.max((Math.ceil(n / stride[axis]) - 1) * stride[axis] + reach + 1 - n, 0);
    return [wanted >> 1, wanted - (wanted >> 1)];
  }
  return [padding[axis], padding[axis]];
}

/** {n, out, taps, before, after, stride, dilation, index}: out may be zero or less, then there is no index. */
export function axisTable(settings, axis, n) {
  const stride = settings.stride[axis];
  const dilation = settings.dilation[axis];
  const taps = settings.kernel[axis];
  const [before, after] = pads(settings, axis, n);
  const reach = dilation * (taps - 1);
  const out = settings.transposed
    ? (n - 1) * stride - before - after + reach + settings.outputPadding[axis] + 1
    : Math.floor((n + before + after - reach - 1) / stride) + 1;
  const index = new Int32Array(Math.max(out, 0) * taps);
  for (let o = 0; o < out; o++)
    for (let k = 0; k < taps; k++) {
      let from;
      if (settings.transposed) {
        const scaled = o + before - k * dilation;
        from = scaled >= 0 && scaled % stride === 0 && scaled / stride < n ? scaled / stride : -1;
      } else from = FOLD[settings.mode](o * stride + k * dilation - before, n);
      index[o * taps + k] = from;
    }
  return { n, out, taps, before, after, stride, dilation, index, transposed: settings.transposed };
}

/** Where tap k of output o stands among the input's cells: below 0 or above n - 1 it is a cell of padding. */
export const placeOf = (table, o, k) => o * table.stride + k * table.dilation - table.before;

/**
 * The layer for some settings: given {dims, input: {shape, data}, weight: {shape, data}, bias: data or null,
 * transposed, groups (of the weight as given)}. The kernel may be made larger than the one given: then it is
 * continued by reflection; channels that the weight as given does not join are joined by those it has, repeated.
 */
export class Layer {
  constructor(given, settings) {
    this.given = given;
    this.settings = settings;
    const [channels, ...sizes] = given.input.shape;
    this.ins = channels;
    this.outs = given.outs;
    this.sizes = sizes;
    this.tables = sizes.map((n, axis) => axisTable(settings, axis, n));
    this.out = this.tables.map((table) => table.out);
    this.fits = this.out.every((n) => n > 0);
    this.inSize = sizes.reduce((a, b) => a * b, 1);
    this.outSize = this.out.reduce((a, b) => a * Math.max(b, 0), 1);
    this.taps = settings.kernel.reduce((a, b) => a * b, 1);
    this.planes = new Map(); // outputs by channel, once computed
    this.source = settings.kernel.map((size, axis) => {
      const had = given.weight.shape[2 + axis];
      return Array.from({ length: size }, (_, k) => FOLD.reflect(k, had));
    });
    // One axis is treated as two, the first of size one.
    const one = { n: 1, out: 1, taps: 1, before: 0, after: 0, stride: 1, dilation: 1, index: new Int32Array(1) };
    [this.down, this.across] = this.tables.length === 1 ? [one, this.tables[0]] : this.tables;
  }

  /** The input channels that output channel o reads: [first, end). */
  inputsOf(o) {
    const group = Math.floor(o / (this.outs / this.settings.groups));
    const size = this.ins / this.settings.groups;
    return [group * size, (group + 1) * size];
  }

  /** The output channels that read input channel c: [first, end). */
  outputsOf(c) {
    const group = Math.floor(c / (this.ins / this.settings.groups));
    const size = this.outs / this.settings.groups;
    return [group * size, (group + 1) * size];
  }

  /** The kernel between output channel o and input channel c, all taps. */
  kernel(o, c) {
    const { weight, transposed } = this.given;
    const [, inner, ...size] = weight.shape;
    const start = (transposed ? c * inner + (o % inner) : o * inner + (c % inner)) * size.reduce((a, b) => a * b, 1);
    const across = this.source.at(-1);
    const down = this.source.length > 1 ? this.source[0] : [0];
    const taps = new Float64Array(this.taps);
    let at = 0;
    for (const i of down) for (const j of across) taps[at++] = weight.data[start + i * size.at(-1) + j];
    return taps;
  }

  /** Functions from a place of the padded input to its element, for both axes. */
  fold() {
    const one = ({ n }) => (place) => FOLD[this.settings.mode](place, n);
    return [one(this.down), one(this.across)];
  }

  bias(o) {
    return this.given.bias ? this.given.bias[o] : 0;
  }

  /** The output of channel o, computed once. */
  forward(o) {
    let plane = this.planes.get(o);
    if (!plane) {
      plane = new Float64Array(this.outSize).fill(this.bias(o));
      const [first, end] = this.inputsOf(o);
      for (let c = first; c < end; c++) {
        const kernel = this.kernel(o, c);
        const base = c * this.inSize;
        const x = this.given.input.data;
        this.eachTap((tap, read, wrote) => {
          const w = kernel[tap];
          read.forEachRow(wrote, (from, to, length, index) => {
            if (index) for (let i = 0; i < length; i++) { if (index[i] >= 0) plane[to + i] += w * x[base + from + index[i]]; }
            else for (let i = 0; i < length; i++) plane[to + i] += w * x[base + from + i];
          });
        });
      }
      this.planes.set(o, plane);
    }
    return plane;
  }

  /** The loss's gradient by the output of channel o: ones for the sum, the output itself for half its squares. */
  upstream(o, loss) {
    return loss === "squares" ? this.forward(o) : new Float64Array(this.outSize).fill(1);
  }

  /** The loss's gradient by input channel c. */
  gradInput(c, loss) {
    const grad = new Float64Array(this.inSize);
    const [first, end] = this.outputsOf(c);
    for (let o = first; o < end; o++) {
      const kernel = this.kernel(o, c);
      const g = this.upstream(o, loss);
      this.eachTap((tap, read, wrote) => {
        const w = kernel[tap];
        read.forEachRow(wrote, (from, to, length, index) => {
          if (index) for (let i = 0; i < length; i++) { if (index[i] >= 0) grad[from + index[i]] += w * g[to + i]; }
          else for (let i = 0; i < length; i++) grad[from + i] += w * g[to + i];
        });
      });
    }
    return grad;
  }

  /** The loss's gradient by the kernel between o and c. */
  gradKernel(o, c, loss) {
    const grad = new Float64Array(this.taps);
    const [first, end] = this.inputsOf(o);
    if (c < first || c >= end) return grad;
    const g = this.upstream(o, loss);
    const base = c * this.inSize;
    const x = this.given.input.data;
    this.eachTap((tap, read, wrote) => {
      let sum = 0;
      read.forEachRow(wrote, (from, to, length, index) => {
        if (index) for (let i = 0; i < length; i++) { if (index[i] >= 0) sum += x[base + from + index[i]] * g[to + i]; }
        else for (let i = 0; i < length; i++) sum += x[base + from + i] * g[to + i];
      });
      grad[tap] = sum;
    });
    return grad;
  }

  /** Calls back for each tap with rows to walk; a run of neighbours is walked without its table. */
  eachTap(callback) {
    const { down, across } = this;
    for (let a = 0; a < down.taps; a++)
      for (let b = 0; b < across.taps; b++) {
        const column = this.columnOf(b);
        const read = {
          forEachRow(_, each) {
            for (let o = 0; o < down.out; o++) {
              const row = down.index[o * down.taps + a];
              if (row < 0) continue;
              const from = row * across.n;
              const to = o * across.out;
              if (column.run) {
                const { start, end, first } = column.run;
                if (end > start) each(from + first, to + start, end - start, null);
              } else each(from, to, across.out, column.index);
            }
          },
        };
        callback(a * across.taps + b, read);
      }
  }

  /** What tap b reads along the last axis: a run of neighbours, or the list of indices. */
  columnOf(b) {
    this.columns ??= [];
    if (this.columns[b]) return this.columns[b];
    const { across } = this;
    const index = new Int32Array(across.out);
    for (let o = 0; o < across.out; o++) index[o] = across.index[o * across.taps + b];
    let start = 0;
    while (start < across.out && index[start] < 0) start++;
    let end = start;
    while (end < across.out && index[end] >= 0 && (end === start || index[end] === index[end - 1] + 1)) end++;
    let alone = true;
    for (let o = end; o < across.out; o++) if (index[o] >= 0) alone = false;
    return (this.columns[b] = alone ? { run: { start, end, first: index[start] }, index } : { index });
  }

  /** The products that make output cell [row, column] of channel o from channel c: a list in the order of the taps. */
  terms(o, c, row, column) {
    const { down, across } = this;
    const kernel = this.kernel(o, c);
    const x = this.given.input.data;
    const list = [];
    for (let a = 0; a < down.taps; a++)
      for (let b = 0; b < across.taps; b++) {
        const i = down.index[row * down.taps + a];
        const j = across.index[column * across.taps + b];
        const read = i >= 0 && j >= 0;
        const place = [placeOf(down, row, a), placeOf(across, column, b)];
        const inside = place[0] >= 0 && place[0] < down.n && place[1] >= 0 && place[1] < across.n;
        list.push({
          tap: a * across.taps + b, tapRow: a, tapColumn: b, weight: kernel[a * across.taps + b],
          row: i, column: j, read, place, padded: !this.settings.transposed && !inside,
          value: read ? x[c * this.inSize + i * across.n + j] : 0,
        });
      }
    return list;
  }

  /** Where an input element [row, column] is read: every output cell and tap, through padding too. */
  readers(row, column) {
    const { down, across } = this;
    const along = (table, at) => {
      const found = [];
      for (let o = 0; o < table.out; o++)
        for (let k = 0; k < table.taps; k++) if (table.index[o * table.taps + k] === at) found.push([o, k]);
      return found;
    };
    const columns = along(across, column);
    return along(down, row).flatMap(([o, a]) =>
      columns.map(([p, b]) => ({
        row: o, column: p, tap: a * across.taps + b,
        padded: !this.settings.transposed && (placeOf(down, o, a) !== row || placeOf(across, p, b) !== column),
      })),
    );
  }

  /** The output cells for which a tap reads an element, with the element. */
  uses(tap) {
    const { down, across } = this;
    const a = Math.floor(tap / across.taps);
    const b = tap % across.taps;
    const list = [];
    for (let o = 0; o < down.out; o++)
      for (let p = 0; p < across.out; p++) {
        const i = down.index[o * down.taps + a];
        const j = across.index[p * across.taps + b];
        if (i >= 0 && j >= 0) list.push({ row: o, column: p, inRow: i, inColumn: j });
      }
    return list;
  }

  /** What the layer's matrix holds, counted from the tables as parameters() does in Python. */
  counts() {
    const read = this.tables.reduce((product, { index, taps, out }) => {
      let sum = 0;
      for (let o = 0; o < out; o++) {
        const row = new Set(index.subarray(o * taps, (o + 1) * taps));
        row.delete(-1);
        sum += row.size;
      }
      return product * sum;
    }, 1);
    const rows = this.outs * this.outSize;
    const columns = this.ins * this.inSize;
    const joined = this.outs * (this.ins / this.settings.groups);
    return { rows, columns, entries: rows * columns, nonzero: read * joined, weights: joined * this.taps };
  }
}
