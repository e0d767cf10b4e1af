import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY, PAD, erase, isEmpty, isNews, onPad, pressureOf, rounded } from "../../page/drawing.mjs";

/** @typedef {import("../../page/drawing.mjs").Stroke} Stroke */

test("an empty drawing has neither strokes nor a picture", () => {
  assert.equal(isEmpty(EMPTY), true);
  assert.equal(isEmpty({ strokes: [[[1, 2, 0, 0.5]]], picture: null }), false);
  assert.equal(isEmpty({ strokes: [], picture: { dataURL: "data:,", bitmap: null } }), false);
});

test("a point less than half a unit away is no news", () => {
  assert.equal(isNews(undefined, [3, 3, 0, 0.5]), true);
  assert.equal(isNews([3, 3, 0, 0.5], [3.3, 3.3, 5, 0.5]), false);
  assert.equal(isNews([3, 3, 0, 0.5], [3.5, 3, 5, 0.5]), true);
});

test("points are rounded to tenths, whole milliseconds and hundredths of the pressure", () => {
  assert.deepEqual(rounded([[[1.2345, 279.96, 16.667, 0.51234], [0, 0, 17.2, 1]]]), [
    [
      [1.2, 280, 17, 0.51],
      [0, 0, 17, 1],
    ],
  ]);
  assert.deepEqual(rounded([]), []);
});

test("coordinates stay on the pad", () => {
  assert.deepEqual([-3, 0, 140, PAD, 300].map(onPad), [0, 0, 140, PAD, PAD]);
});

test("pressure that is not felt counts as a mouse's", () => {
  assert.deepEqual([0, 0.01, 0.5, 1, 1.5, NaN].map(pressureOf), [0.5, 0.01, 0.5, 1, 0.5, 0.5]);
});

/** @type {Stroke} */
const line = [
  [0, 100, 0, 0.2],
  [100, 100, 100, 0.4],
  [200, 100, 200, 0.6],
];

test("the eraser leaves alone what it does not touch", () => {
  const strokes = [line];
  assert.equal(erase(strokes, [50, 150], [90, 150], 10), strokes);
});

test("the eraser cuts a stroke in two, with time and pressure in between", () => {
  assert.deepEqual(erase([line], [150, 100], [150, 100], 10), [
    [
      [0, 100, 0, 0.2],
      [100, 100, 100, 0.4],
      [140, 100, 140, 0.48],
    ],
    [
      [160, 100, 160, 0.52],
      [200, 100, 200, 0.6],
    ],
  ]);
});

test("the eraser shortens an end and takes a corner", () => {
  const shortened = erase([line], [0, 100], [0, 100], 30);
  assert.deepEqual(shortened.map((stroke) => stroke.map(([x]) => x)), [[30, 100, 200]]);
  /** @type {Stroke} */
  const corner = [
    [0, 0, 0, 0.5],
    [100, 0, 1, 0.5],
    [100, 100, 2, 0.5],
  ];
  assert.deepEqual(
    erase([corner], [100, 0], [100, 0], 20).map((stroke) => stroke.map(([x, y]) => [x, y])),
    [
      [
        [0, 0],
        [80, 0],
      ],
      [
        [100, 20],
        [100, 100],
      ],
    ],
  );
});

test("the eraser takes dots and whole strokes", () => {
  /** @type {Stroke[]} */
  const strokes = [[[50, 50, 0, 0.5]], [[80, 80, 1, 0.5]]];
  assert.deepEqual(erase(strokes, [48, 50], [48, 50], 10), [[[80, 80, 1, 0.5]]]);
  assert.deepEqual(erase([line], [0, 100], [200, 100], 12), []);
});

test("a long fast move of the eraser leaves no islands", () => {
  /** @type {Stroke[]} */
  const fence = Array.from({ length: 27 }, (_, i) => [
    [i * 10 + 5, 90, 0, 0.5],
    [i * 10 + 5, 110, 10, 0.5],
  ]);
  assert.deepEqual(erase(fence, [0, 100], [280, 100], 15), []);
});
