import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../page/history.mjs";

test("undo and redo walk through what was committed", () => {
  const history = new History("");
  assert.equal(history.undo(), false);
  for (const text of ["a", "ab", "abc"]) {
    history.commit(text);
  }
  assert.equal(history.undo(), true);
  assert.equal(history.undo(), true);
  assert.equal(history.present, "a");
  assert.equal(history.redo(), true);
  assert.equal(history.present, "ab");
  assert.deepEqual([history.canUndo, history.canRedo], [true, true]);
});

test("a new step forgets what was undone", () => {
  const history = new History("");
  history.commit("a");
  history.undo();
  history.commit("b");
  assert.equal(history.canRedo, false);
  assert.equal(history.redo(), false);
  assert.equal(history.present, "b");
});

test("the same value is no step", () => {
  const history = new History("a");
  history.commit("a");
  assert.equal(history.canUndo, false);
});

test("only so many steps are kept", () => {
  const history = new History(0, 3);
  for (let i = 1; i <= 10; i++) {
    history.commit(i);
  }
  while (history.undo());
  assert.equal(history.present, 7);
});
