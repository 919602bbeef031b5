// Where everything stands in pixels, for any state of folds. The twin of penlight/viz/flowchart/place.py, which says
// how it works; a test compares them.

const COLUMN_GAP = 54;
const ROW_GAP = 16;
const STAND_IN = 4;
const PADDING = 14;
const TITLE = 26;
const PASSES = 8;
const MANY = 600;

/** {width, height, at: Map of name to [x, y, width, height]} of the visible cards, boxes and stand-ins. */
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
  inside("root", 0, 0);
  const [width, height] = inner.get("root");
  return { width, height, at };
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
