/**
 * The worker that the engine runs in. wasm_exec.js is Go's, and is no module.
 */
const worker = /** @type {any} */ (globalThis);
worker.importScripts("wasm_exec.js");

/** The engine, once it runs: its functions take and return text. */
const started = start();

async function start() {
  const response = await fetch("engine.wasm.gz");
  if (!response.ok) {
    throw new Error(`engine.wasm.gz: ${response.status} ${response.statusText}`);
  }
  const go = new worker.Go();
  const { instance } = await WebAssembly.instantiate(await unpacked(await response.arrayBuffer()), go.importObject);
  void go.run(instance); // up to where it waits to be asked
  return worker.inkling;
}

/**
 * Unpacks the engine, unless the browser has: some hosts say of such files that they are packed for the way.
 * @param {ArrayBuffer} file
 */
async function unpacked(file) {
  const [first, second] = new Uint8Array(file);
  if (first !== 0x1f || second !== 0x8b) {
    return file;
  }
  return new Response(new Blob([file]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

worker.onmessage = async (/** @type {MessageEvent} */ { data: { id, name, request } }) => {
  try {
    const engine = await started;
    worker.postMessage({ id, text: engine[name](request) });
  } catch (error) {
    worker.postMessage({ id, failed: String(error) });
  }
};
