/**
 * Calls a server with Gradio's official client, and prints what failed.
 *
 *   node client.mjs CALLS URL PICTURE
 *
 * CALLS is how many are made in waves; 1,000 are made at once besides.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Client, handle_file } from "@gradio/client";

const [, , calls, url, file] = process.argv;
const picture = new Blob([readFileSync(file)], { type: "image/png" });
const layers = (image) => ({ background: null, layers: [image], composite: null });

const app = await Client.connect(url);
assert.deepEqual(Object.keys((await app.view_api()).named_endpoints), ["/predict"]);

// Every way to give a picture.
for (const [name, endpoint, inputs] of [
  ["a layer", "/predict", [layers(picture)]],
  ["a composite", "/predict", [{ background: null, layers: [], composite: picture }]],
  ["a bare file", "/predict", [picture]],
  ["a file of the disk", "/predict", [handle_file(file)]],
  ["by name", "/predict", { image: layers(picture) }],
  ["by number", 0, [layers(picture)]],
  ["the other name", "/predict_digit", [layers(picture)]],
]) {
  const { data } = await app.predict(endpoint, inputs);
  assert.equal(data.length, 3, name);
  assert.equal(data[2], "预测结果: 7", name);
  for (const image of data.slice(0, 2)) {
    assert.equal(image.meta._type, "gradio.FileData", name);
    const response = await fetch(image.url);
    assert.equal(response.status, 200, name);
    assert.equal(response.headers.get("content-type"), "image/png", name);
  }
}

// What an answer has can be a question again.
const { data: first } = await app.predict("/predict", [picture]);
assert.equal((await app.predict("/predict", [layers(first[0])])).data[2], "预测结果: 7");

// Nothing drawn.
for (const nothing of [null, { background: null, layers: [], composite: null }]) {
  assert.deepEqual((await app.predict("/predict", [nothing])).data, [null, null, "预测结果: 无"]);
}

// Failures are errors with the server's sentence.
await assert.rejects(app.predict("/predict", [{ path: "/etc/passwd", meta: { _type: "gradio.FileData" } }]), /no file that was uploaded/);
await assert.rejects(app.predict("/predict", [new Blob(["no picture"])]), /no known format/);
await assert.rejects(app.predict("/nothing", [null]), /No endpoint/);
await assert.rejects(Client.connect(url, { auth: ["somebody", "secret"] }), /login|credentials/i);

// Overlapped calls all settle, also those that begin just as the event stream
// is about to be closed for want of calls.
let settled = 0;
const pending = [];
for (let i = 0; i < Number(calls); i++) {
  pending.push(app.predict("/predict", [layers(first[0])]).then(({ data }) => {
    assert.equal(data[2], "预测结果: 7");
    settled++;
  }));
  if (i % 10 === 9) {
    await new Promise((resolve) => setTimeout(resolve, i % 50 === 49 ? 150 + Math.random() * 100 : Math.random() * 20));
  }
}
const within = (promises, milliseconds) => Promise.race([
  Promise.all(promises),
  new Promise((_, reject) => setTimeout(() => reject(new Error(`only ${settled} calls settled`)), milliseconds).unref()),
]);
await within(pending, 30_000);
assert.equal(settled, Number(calls));

// A thousand calls at the same moment all settle, too. On a machine that has other things
// to do some of them wait in line for too long, and are told that the server is busy.
const burst = await within(Array.from({ length: 1000 }, () => app.predict("/predict", [layers(first[0])])
  .catch((error) => ({ busy: /currently busy/.test(error.message), error }))), 60_000);
for (const { data, busy, error } of burst) {
  assert.ok(busy || data?.[2] === "预测结果: 7", error);
}
assert.ok(burst.filter(({ data }) => data).length >= 100, "nearly all calls were refused");
assert.equal(await app.reconnect(), "connected");
console.log(`${settled + burst.length} overlapped calls settled`);
process.exit(0); // the client's open stream would keep the process
