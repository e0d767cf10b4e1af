import assert from "node:assert/strict";
import { test } from "node:test";
import { Live } from "../../page/live.mjs";

/**
 * A page whose frames, timers and server's answers come when the test says so.
 */
function makeWorld() {
  /** @type {(() => void)[]} */
  const frames = [];
  /** @type {{ callback: () => void, milliseconds: number }[]} */
  const timers = [];
  /** @type {{ drawing: string, signal: AbortSignal, resolve: (answer: string) => void, reject: (error: Error) => void }[]} */
  const sent = [];
  /** @type {string[]} */
  const shown = [];
  const world = { drawing: "", pause: 0, failures: 0, frames, timers, sent, shown, frame, settle };
  const live = new Live({
    latest: () => world.drawing,
    send: (/** @type {string} */ drawing, signal) =>
      new Promise((/** @type {(answer: string) => void} */ resolve, reject) => {
        sent.push({ drawing, signal, resolve, reject });
      }),
    answered: (answer, drawing) => shown.push(`${drawing}=${answer}`),
    failed: () => {
      world.failures++;
      return world.pause;
    },
    frame: (callback) => frames.push(callback),
    later: (callback, milliseconds) => timers.push({ callback, milliseconds }),
    now: () => 1000,
  });

  function frame() {
    for (const callback of frames.splice(0)) {
      callback();
    }
  }

  /** Lets everything happen that promises have under way. */
  function settle() {
    return new Promise((resolve) => setImmediate(resolve));
  }

  return { live, world };
}

test("many changes within a frame are one request, with the latest drawing", async () => {
  const { live, world } = makeWorld();
  for (const drawing of ["a", "ab", "abc"]) {
    world.drawing = drawing;
    live.request();
  }
  assert.equal(world.frames.length, 1);
  assert.equal(world.sent.length, 0);
  world.frame();
  assert.deepEqual(world.sent.map(({ drawing }) => drawing), ["abc"]);
  world.sent[0]?.resolve("3");
  await world.settle();
  assert.deepEqual(world.shown, ["abc=3"]);
  assert.equal(world.frames.length, 0, "nothing new to send");
});

test("one request is in flight; what changes meanwhile is sent once, after it", async () => {
  const { live, world } = makeWorld();
  world.drawing = "a";
  live.request();
  world.frame();
  for (const drawing of ["ab", "abc", "abcd"]) {
    world.drawing = drawing;
    live.request();
    world.frame();
  }
  assert.equal(world.sent.length, 1);
  world.sent[0]?.resolve("1");
  await world.settle();
  assert.deepEqual(world.shown, ["a=1"]);
  world.frame();
  assert.deepEqual(world.sent.map(({ drawing }) => drawing), ["a", "abcd"]);
});

test("after cancel the answer under way is aborted and never shown", async () => {
  const { live, world } = makeWorld();
  world.drawing = "a";
  live.request();
  world.frame();
  live.cancel();
  assert.equal(world.sent[0]?.signal.aborted, true);
  world.sent[0]?.resolve("1");
  await world.settle();
  assert.deepEqual(world.shown, []);
  world.drawing = "b";
  live.request();
  world.frame();
  world.sent[1]?.resolve("2");
  await world.settle();
  assert.deepEqual(world.shown, ["b=2"]);
});

test("an aborted request that fails late is no failure and does not free the next one's place", async () => {
  const { live, world } = makeWorld();
  live.request();
  world.frame();
  live.cancel();
  live.request();
  world.frame();
  world.sent[0]?.reject(new Error("aborted"));
  await world.settle();
  live.request();
  world.frame();
  assert.equal(world.failures, 0);
  assert.equal(world.sent.length, 2);
});

test("cancel before the frame sends nothing", () => {
  const { live, world } = makeWorld();
  live.request();
  live.cancel();
  world.frame();
  assert.equal(world.sent.length, 0);
});

test("a failure waits for the next change", async () => {
  const { live, world } = makeWorld();
  live.request();
  world.frame();
  world.sent[0]?.reject(new Error("offline"));
  await world.settle();
  assert.equal(world.failures, 1);
  assert.equal(world.frames.length + world.timers.length, 0);
  live.request();
  world.frame();
  assert.equal(world.sent.length, 2);
});

test("a busy server is asked again after the pause it wished for, and not before", async () => {
  const { live, world } = makeWorld();
  world.pause = 2000;
  world.drawing = "a";
  live.request();
  world.frame();
  world.sent[0]?.reject(new Error("busy"));
  await world.settle();
  assert.deepEqual(world.timers.map(({ milliseconds }) => milliseconds), [2000]);
  world.drawing = "ab";
  live.request();
  world.frame();
  assert.equal(world.sent.length, 1);
  world.timers[0]?.callback();
  assert.deepEqual(world.sent.map(({ drawing }) => drawing), ["a", "ab"]);
});
