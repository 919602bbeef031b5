// Where everything stands in pixels, for any state of folds. The twin of penlight/viz/flowchart/place.py, which says
// how it works; a test compares them.

const COLUMN_GAP = 54;
const ROW_GAP = 16;
const STAND_IN = 4;
const PADDING = 14;
const TITLE = 26;
const PASSES = 8;
const MANY = 600;
const WIDE = 3600;
const LINE_GAP = 56;
export const TURN = 30;

/** {width, height, gaps, at: Map of name to [x, y, width, height]} of the visible cards, boxes and stand-ins. */
export function place(description, folded) {
  const at = new Map();
  const corners = new Map();
  const inner = new Map();

  function size(name) {
    if (name[0] === "d") return [0, STAND_IN];
    if (name[0] === "c") {
      const card = description.cards[Number(name.slice(1))];
      return [card.width, card.height];
    }
    const group = description.groups[name];
    if (folded.has(name)) return [group.width, group.height];
    const [width, height] = inner.get(name);
    return [Math.max(width + 2 * PADDING, group.titleWidth), height + 2 * PADDING + TITLE];
  }

  function inside(name, x, y) {
    for (const [child, [cx, cy, width, height]] of corners.get(name)) {
      at.set(child[0] === "d" ? `${name}/${child}` : child, [x + cx, y + cy, width, height]);
      if (child[0] === "g" && !folded.has(child)) inside(child, x + cx + PADDING, y + cy + TITLE + PADDING);
    }
  }

  for (const name of [...description.order, "root"]) {
    if (folded.has(name)) continue;
    const [where, whole] = level(description.levels[name], size);
    corners.set(name, where);
    inner.set(name, whole);
  }
  const [where, [width, height], gaps] = wrapped(description.levels.root.columns, corners.get("root"), inner.get("root"));
  corners.set("root", where);
  inside("root", 0, 0);
  return { width, height, at, gaps };
}

function level({ columns, joins }, size) {
  const near = [new Map(), new Map()]; // on the left, on the right
  const note = (map, name, other) => (map.has(name) ? map.get(name).push(other) : map.set(name, [other]));
  for (const [source, target] of joins) {
    note(near[1], source, target);
    note(near[0], target, source);
  }
  const left = new Map();
  const heights = new Map();
  const middle = new Map();
  let x = 0;
  for (const column of columns) {
    const sizes = column.map(size);
    const widest = Math.max(...sizes.map(([width]) => width));
    let y = 0;
    column.forEach((name, i) => {
      const [width, height] = sizes[i];
      left.set(name, name[0] === "d" ? [x, widest] : [x + (widest - width) / 2, width]);
      heights.set(name, height);
      middle.set(name, y + height / 2);
      y += height + ROW_GAP;
    });
    x += widest + COLUMN_GAP;
  }
  const mean = (names) => names.reduce((sum, name) => sum + middle.get(name), 0) / names.length;
  const passes = middle.size <= MANY ? PASSES : PASSES / 2;
  for (let turn = 0; turn < passes; turn++) {
    const neighbours = near[turn % 2];
    for (const column of turn % 2 === 0 ? columns : [...columns].reverse()) {
      const wanted = column.map((name) => (neighbours.has(name) ? mean(neighbours.get(name)) : middle.get(name)));
      const settled = column.length === 1 ? wanted : settle(wanted, column.map((name) => heights.get(name)));
      column.forEach((name, i) => middle.set(name, settled[i]));
    }
  }
  let top = Infinity;
  let bottom = -Infinity;
  for (const [name, y] of middle) {
    top = Math.min(top, y - heights.get(name) / 2);
    bottom = Math.max(bottom, y + heights.get(name) / 2);
  }
  const corners = new Map();
  for (const [name, y] of middle) {
    const [from, width] = left.get(name);
    corners.set(name, [from, y - heights.get(name) / 2 - top, width, heights.get(name)]);
  }
  return [corners, [x - COLUMN_GAP, bottom - top]];
}

function wrapped(columns, corners, whole) {
  const [width, height] = whole;
  if (width <= WIDE) return [corners, whole, []];
  const count = Math.ceil(width / Math.max(WIDE / 2, Math.sqrt(width * (height + LINE_GAP))));
  const lines = [[]];
  let start = 0;
  for (const column of columns) {
    const boxes = column.map((name) => corners.get(name));
    const right = Math.max(...boxes.map(([x, , w]) => x + w));
    if (lines.at(-1).length && right - start > width / count) {
      lines.push([]);
      start = Math.min(...boxes.map(([x]) => x));
    }
    lines.at(-1).push(...column);
  }
  const moved = new Map();
  const gaps = [];
  let top = 0;
  let widest = 0;
  for (const line of lines) {
    const boxes = line.map((name) => corners.get(name));
    const left = Math.min(...boxes.map(([x]) => x));
    const highest = Math.min(...boxes.map(([, y]) => y));
    line.forEach((name, i) => {
      const [x, y, w, h] = boxes[i];
      moved.set(name, [x - left + TURN, y - highest + top, w, h]);
    });
    widest = Math.max(widest, ...boxes.map(([x, , w]) => x + w - left));
    top += Math.max(...boxes.map(([, y, , h]) => y + h)) - highest + LINE_GAP;
    gaps.push(top - LINE_GAP / 2);
  }
  return [moved, [widest + 2 * TURN, top - LINE_GAP], gaps.slice(0, -1)];
}

function settle(wanted, heights) {
  const shifts = [0];
  for (let i = 1; i < wanted.length; i++) shifts.push(shifts[i - 1] + (heights[i - 1] + heights[i]) / 2 + ROW_GAP);
  const pools = [];
  wanted.forEach((y, i) => {
    pools.push([y - shifts[i], 1]);
    while (pools.length > 1) {
      const [before, last] = pools.slice(-2);
      if (before[0] / before[1] <= last[0] / last[1]) break;
      pools.pop();
      before[0] += last[0];
      before[1] += last[1];
    }
  });
  const free = pools.flatMap(([total, count]) => Array(count).fill(total / count));
  return free.map((y, i) => y + shifts[i]);
}
