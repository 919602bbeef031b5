// The edges to draw, with their points: as visible_edges in penlight/viz/flowchart/draw.py.

import { TURN } from "./place.js";

/** [{...edge, ends, points}]: ends on closed boxes where a card is folded away, each pair once. */
export function visibleEdges(description, folded, at) {
  const found = [];
  const seen = new Set();
  for (const edge of description.edges) {
    const ends = [shown(description, `c${edge.from[0]}`, folded), shown(description, `c${edge.to[0]}`, folded)];
    const cards = ends.every((end) => end[0] === "c");
    const key = [...ends, ...(cards ? [edge.from[1], edge.to[1]] : [])].join();
    if (ends[0] === ends[1] || seen.has(key)) continue;
    seen.add(key);
    const points = [port(description, ends[0], edge.from[1], at, "out")];
    for (const name of edge.way) {
      const place = at.get(name);
      if (place) points.push([place[0], place[1] + place[3] / 2], [place[0] + place[2], place[1] + place[3] / 2]);
    }
    points.push(port(description, ends[1], edge.to[1], at, "in"));
    found.push({ ...edge, ends, points });
  }
  return found;
}

/** The card, or the outermost closed box it is in. */
export function shown(description, card, folded) {
  let name = description.cards[Number(card.slice(1))].parent;
  let found = card;
  for (; name !== "root"; name = description.groups[name].parent) if (folded.has(name)) found = name;
  return found;
}

function port(description, name, number, at, side) {
  const [x, y, width, height] = at.get(name);
  const count = Math.max(name[0] === "c" ? description.cards[Number(name.slice(1))][side] : 1, 1);
  return [side === "out" ? x + width : x, y + (height * (Math.min(number, count - 1) + 1)) / (count + 1)];
}

const short = (value) => String(Math.round(value * 100) / 100);

/** A smooth way through points, level at each. A way back to the left leads to the next line, through its gap. */
export function curve(points, gaps) {
  let d = `M${short(points[0][0])} ${short(points[0][1])}`;
  for (let i = 1; i < points.length; i++) {
    const [[x, y], [toX, toY]] = [points[i - 1], points[i]];
    const gap = gaps.findLast((height) => y < height && height < toY);
    if (gap !== undefined && toX < x) {
      d += `C${short(x + TURN)} ${short(y)} ${short(x + TURN)} ${short(gap)} ${short(x)} ${short(gap)}H${short(toX)}`;
      d += `C${short(toX - TURN)} ${short(gap)} ${short(toX - TURN)} ${short(toY)} ${short(toX)} ${short(toY)}`;
      continue;
    }
    const bend = Math.max((toX - x) / 2, 18);
    d += `C${short(x + bend)} ${short(y)} ${short(toX - bend)} ${short(toY)} ${short(toX)} ${short(toY)}`;
  }
  return d;
}
