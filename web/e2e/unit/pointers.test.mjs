import assert from "node:assert/strict";
import { test } from "node:test";
import { Pointers } from "../../page/pointers.mjs";

/**
 * @param {Partial<import("../../page/pointers.mjs").Contact>} contact
 * @returns {import("../../page/pointers.mjs").Contact}
 */
function contact(contact) {
  return { pointerId: 1, pointerType: "mouse", width: 1, height: 1, button: 0, timeStamp: 10_000, ...contact };
}
const finger = contact({ pointerId: 2, pointerType: "touch", width: 30, height: 32 });
const pen = contact({ pointerId: 3, pointerType: "pen" });

test("the main button draws, the others do not", () => {
  const pointers = new Pointers();
  assert.equal(pointers.down(contact({ button: 2 })), "ignore");
  assert.equal(pointers.down(contact({ button: 1 })), "ignore");
  assert.equal(pointers.down(contact({})), "draw");
  assert.equal(pointers.isDrawing(1), true);
  assert.equal(pointers.up(1), true);
  assert.equal(pointers.up(1), false);
});

test("a second finger does not disturb the first", () => {
  const pointers = new Pointers();
  assert.equal(pointers.down(finger), "draw");
  assert.equal(pointers.down({ ...finger, pointerId: 9 }), "ignore");
  assert.equal(pointers.up(9), false);
  assert.equal(pointers.isDrawing(finger.pointerId), true);
});

test("a palm does not draw", () => {
  assert.equal(new Pointers().down({ ...finger, width: 90 }), "ignore");
  assert.equal(new Pointers().down({ ...finger, height: 70 }), "ignore");
});

test("while a pen is near, the hand does not draw", () => {
  const pointers = new Pointers();
  pointers.seen({ ...pen, timeStamp: 9_000 }); // it hovers
  assert.equal(pointers.down(finger), "ignore");
  assert.equal(pointers.down({ ...finger, timeStamp: 12_000 }), "draw");
});

test("a pen takes over from the hand that came down before it", () => {
  const pointers = new Pointers();
  assert.equal(pointers.down(finger), "draw");
  assert.equal(pointers.down(pen), "takeover");
  assert.equal(pointers.isDrawing(finger.pointerId), false);
  assert.equal(pointers.up(finger.pointerId), false);
  assert.equal(pointers.isDrawing(pen.pointerId), true);
});

test("a pen does not take over from a mouse", () => {
  const pointers = new Pointers();
  pointers.down(contact({}));
  assert.equal(pointers.down(pen), "ignore");
});

test("a pen's other end erases", () => {
  assert.equal(new Pointers().down({ ...pen, button: 5 }), "erase");
  assert.equal(new Pointers().down(contact({ button: 5 })), "ignore");
});
