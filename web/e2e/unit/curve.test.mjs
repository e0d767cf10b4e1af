import assert from "node:assert/strict";
import { test } from "node:test";
import { piecesOf } from "../../page/curve.mjs";

/** @type {(x: number, y: number) => import("../../page/drawing.mjs").Point} */
const at = (x, y) => [x, y, 0, 0.5];

test("a line is straight and a corner stays one", () => {
  assert.deepEqual(piecesOf([at(1, 2)]), []);
  const pieces = piecesOf([at(0, 0), at(100, 0), at(20, 80)]);
  assert.deepEqual(pieces.map(({ controls }) => controls), [null, null]);
  assert.deepEqual([pieces[1]?.from, pieces[1]?.to], [at(100, 0), at(20, 80)]);
});

test("a curve goes smoothly through its points", () => {
  const circle = [0, 1, 2, 3, 4].map((i) => at(100 * Math.cos(i / 2), 100 * Math.sin(i / 2)));
  const pieces = piecesOf(circle);
  assert.equal(pieces.length, 4);
  for (const [i, { to, controls }] of pieces.slice(0, -1).entries()) {
    const next = pieces[i + 1]?.controls;
    assert.ok(controls && next);
    // Before and after the point it runs in one direction.
    const [ax, ay] = [to[0] - controls[1][0], to[1] - controls[1][1]];
    const [bx, by] = [next[0][0] - to[0], next[0][1] - to[1]];
    assert.ok(Math.abs(ax * by - ay * bx) < 1e-9 * Math.hypot(ax, ay) * Math.hypot(bx, by) && ax * bx + ay * by > 0);
  }
  // Its middle is near the circle, nearer than the chord.
  for (const { from, to, controls } of pieces.slice(1, -1)) {
    const middle = [0, 1].map((k) => ((from[k] ?? 0) + 3 * (controls?.[0][k] ?? 0) + 3 * (controls?.[1][k] ?? 0) + (to[k] ?? 0)) / 8);
    assert.ok(Math.abs(Math.hypot(...middle) - 100) < 1.5, `${middle}`);
  }
});

test("points on one place do no harm", () => {
  for (const { controls } of piecesOf([at(5, 5), at(5, 5), at(9, 9), at(9, 9), at(9, 9)])) {
    assert.ok(!controls?.flat().some(Number.isNaN));
  }
});
