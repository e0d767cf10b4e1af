import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldsOf, sourceOf, unflatten, within } from "../../page/inside.mjs";

/** @type {import("../../page/inside.mjs").Network} */
const network = {
  ground: 0,
  ink: 1,
  stages: [
    { name: "input", operation: "input", shape: [1, 6, 6], settings: {}, parameters: {} },
    {
      name: "conv", operation: "conv2d", shape: [2, 6, 6], settings: { kernel: [3, 3], stride: [1, 1], before: [1, 1], groups: 1 },
      parameters: { weight: { shape: [2, 1, 3, 3], values: Float32Array.from({ length: 18 }, (_, i) => i) }, bias: { shape: [2], values: Float32Array.of(1, 2) } },
    },
    { name: "pool", operation: "maxpool2d", shape: [2, 3, 3], settings: { kernel: [2, 2], stride: [2, 2] }, parameters: {} },
    { name: "flatten", operation: "flatten", shape: [18], settings: {}, parameters: {} },
    {
      name: "fc", operation: "linear", shape: [2], settings: {},
      parameters: { weight: { shape: [2, 18], values: Float32Array.from({ length: 36 }, (_, i) => i) }, bias: { shape: [2], values: Float32Array.of(0, 5) } },
    },
  ],
};

const values = network.stages.map(({ shape }) => Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i));

test("a cell sees the window below it, and all below that", () => {
  const pooled = fieldsOf(network, 2, { map: 1, row: 1, column: 2 });
  assert.deepEqual(pooled[1], { map: 1, rows: [2, 3], columns: [4, 5] });
  assert.deepEqual(pooled[0], { map: null, rows: [1, 4], columns: [3, 6] });
  const flat = fieldsOf(network, 3, { map: 14, row: 0, column: 0 });
  assert.deepEqual(flat[2], { map: 1, rows: [1, 1], columns: [2, 2] });
  assert.deepEqual(fieldsOf(network, 4, { map: 0, row: 0, column: 0 })[3], { map: null, rows: null, columns: null });
});

test("a convolution's patch has zeros beyond the edge, and the weights of its own map", () => {
  const source = sourceOf(network, values, 1, { map: 1, row: 0, column: 0 });
  assert.deepEqual([...(source?.inputs ?? [])], [0, 0, 0, 0, 0, 1, 0, 6, 7]);
  assert.deepEqual([...(source?.weights ?? [])], [9, 10, 11, 12, 13, 14, 15, 16, 17]);
  assert.equal(source?.bias, 2);
});

test("pooling looks at one map, a linear layer at everything", () => {
  assert.deepEqual([...(sourceOf(network, values, 2, { map: 1, row: 1, column: 2 })?.inputs ?? [])], [52, 53, 58, 59]);
  const linear = sourceOf(network, values, 4, { map: 1, row: 0, column: 0 });
  assert.deepEqual([linear?.inputs.length, linear?.weights?.[0], linear?.bias], [18, 18, 5]);
  assert.equal(sourceOf(network, values, 0, { map: 0, row: 0, column: 0 }), null);
});

test("cells are within their stage", () => {
  const [, conv, pool] = network.stages;
  assert.ok(conv && pool);
  assert.deepEqual(within(conv, { map: 9, row: -1, column: 5 }), { map: 1, row: 0, column: 5 });
  assert.deepEqual(unflatten(pool, 17), { map: 1, row: 2, column: 2 });
});
