import assert from "node:assert/strict";
import { test } from "node:test";
import { FINE_STEP, STEP, anywhereCommand, moveCross, padCommand, placeOf } from "../../page/keyboard.mjs";

/**
 * @param {string} key
 * @param {Partial<import("../../page/keyboard.mjs").Key>} modifiers
 */
function press(key, modifiers = {}) {
  return { key, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...modifiers };
}

test("arrows move one step, with Shift a fine one", () => {
  assert.deepEqual(padCommand(press("ArrowLeft"), new Set(["ArrowLeft"])), { action: "move", dx: -STEP, dy: 0 });
  assert.deepEqual(padCommand(press("ArrowDown", { shiftKey: true }), new Set(["Shift", "ArrowDown"])), {
    action: "move",
    dx: 0,
    dy: FINE_STEP,
  });
});

test("two arrows together go diagonally, opposite ones stand still", () => {
  const diagonal = { action: "move", dx: STEP, dy: -STEP };
  assert.deepEqual(padCommand(press("ArrowUp"), new Set(["ArrowRight", "ArrowUp"])), diagonal);
  assert.deepEqual(padCommand(press("PageUp"), new Set(["PageUp"])), diagonal);
  assert.deepEqual(padCommand(press("ArrowLeft"), new Set(["ArrowLeft", "ArrowRight"])), {
    action: "move",
    dx: 0,
    dy: 0,
  });
});

test("keys that are not ours are left to the browser", () => {
  for (const key of ["Tab", "a", "F5", "Shift"]) {
    assert.equal(padCommand(press(key), new Set([key])), null, key);
  }
  assert.equal(padCommand(press("ArrowLeft", { altKey: true }), new Set()), null);
  assert.equal(padCommand(press("e", { ctrlKey: true }), new Set()), null);
});

test("every other key on the pad", () => {
  const keys = { " ": "pen", Enter: "pen", Escape: "lift", e: "eraser", Delete: "clear", Backspace: "clear", "[": "thinner", "]": "thicker" };
  for (const [key, action] of Object.entries(keys)) {
    assert.deepEqual(padCommand(press(key), new Set([key])), { action }, key);
  }
});

test("undo and redo, on every system", () => {
  assert.deepEqual(anywhereCommand(press("z", { ctrlKey: true })), { action: "undo" });
  assert.deepEqual(anywhereCommand(press("z", { metaKey: true })), { action: "undo" });
  assert.deepEqual(anywhereCommand(press("Z", { ctrlKey: true, shiftKey: true })), { action: "redo" });
  assert.deepEqual(anywhereCommand(press("y", { ctrlKey: true })), { action: "redo" });
  assert.equal(anywhereCommand(press("z")), null);
  assert.equal(anywhereCommand(press("z", { ctrlKey: true, altKey: true })), null);
});

test("the cross stays on the pad and tells its place", () => {
  assert.deepEqual(moveCross([7, 140], -STEP, STEP), [0, 154]);
  assert.deepEqual(placeOf([0, 154]), { column: 0, row: 11 });
});
