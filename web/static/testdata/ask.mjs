// Asks the engine in Node.js: node ask.mjs FILE, which has a request on each line.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gunzipSync } from "node:zlib";

const site = new URL("../", import.meta.url);
createRequire(import.meta.url)("../wasm_exec.js");
const go = new globalThis.Go();
const { instance } = await WebAssembly.instantiate(gunzipSync(readFileSync(new URL("engine.wasm.gz", site))), go.importObject);
void go.run(instance);
const asks = readFileSync(process.argv[2], "utf8").trim().split("\n");
const answers = [globalThis.inkling.describe(""), ...asks.map((line) => globalThis.inkling.predict(line))];
process.stdout.write(answers.join("\n") + "\n", () => process.exit(0));
