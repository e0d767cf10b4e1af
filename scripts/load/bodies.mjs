/**
 * Prints requests to /api/predict, one a line: the ten handwritten digits of
 * the page's tests, as strokes or as 28x28 pixels.
 *
 * Usage: node bodies.mjs strokes|pixels
 */
import { HANDWRITTEN } from "../../web/e2e/browser/digits.mjs";

const PAD = 280; // pixels, the pad's side
const STEP = 5; // between points, as a pointer leaves them
const INTERVAL = 8; // milliseconds from point to point

/** Points at equal distances along a path, in pixels of the pad. */
function points(path) {
  const list = [];
  for (let i = 1; i < path.length; i++) {
    const [from, to] = [path[i - 1], path[i]].map((place) => place.map((v) => v * PAD));
    const count = Math.max(1, Math.round(Math.hypot(to[0] - from[0], to[1] - from[1]) / STEP));
    for (let k = 0; k < count; k++) {
      list.push(from.map((v, axis) => Math.round((v + ((to[axis] - v) * k) / count) * 10) / 10));
    }
  }
  return list;
}

/** A picture of 28x28: ink where the line is near. */
function pixels(strokes) {
  const places = strokes.flat().map((place) => place.map((v) => (v * 28) / PAD));
  return Array.from({ length: 28 }, (_, y) =>
    Array.from({ length: 28 }, (_, x) => {
      const nearest = Math.min(...places.map(([px, py]) => Math.hypot(px - x - 0.5, py - y - 0.5)));
      return Math.round(255 * Math.max(0, Math.min(1, 2 - nearest)));
    }),
  );
}

for (const digit of HANDWRITTEN) {
  const strokes = digit.map(points);
  let time = 0;
  const body =
    process.argv[2] === "pixels"
      ? { pixels: pixels(strokes) }
      : { strokes: strokes.map((s) => s.map(([x, y]) => [x, y, (time += INTERVAL), 0.5])), width: PAD, height: PAD };
  console.log(JSON.stringify(body));
}
