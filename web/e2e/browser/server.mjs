/**
 * Starts `inkling serve`.
 */
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const run = promisify(execFile);

/**
 * Builds and starts a server of its own.
 * @param {{ feedback: boolean, prepare?: (binary: string, folder: string) => Promise<string> }} options whether
 *   it keeps labelled drawings, and what makes the file of its model
 * @returns {Promise<{ url: string, folder: string, binary: string, stop: () => Promise<void> }>}
 */
export async function startServer({ feedback, prepare }) {
  const folder = await mkdtemp(join(tmpdir(), "inkling-page-"));
  const binary = join(folder, "inkling");
  await run("go", ["build", "-o", binary, "./cmd/inkling"], { cwd: root, env: { ...process.env, CGO_ENABLED: "0" } });
  const model = prepare ? [await prepare(binary, folder)] : [];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const server = spawn(
    binary,
    ["serve", ...model, "--addr", `127.0.0.1:${port}`, ...(feedback ? ["--feedback", join(folder, "feedback.db")] : [])],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
  );
  let log = "";
  for (const stream of [server.stdout, server.stderr]) {
    stream.on("data", (text) => (log = (log + text).slice(-10_000)));
  }
  const ended = new Promise((resolve) => server.once("exit", resolve));
  const stop = async () => {
    server.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true });
  };
  for (let i = 0; i < 200; i++) {
    if (server.exitCode !== null) {
      throw new Error(`inkling serve ended with status ${server.exitCode}: ${log}`);
    }
    const ready = await fetch(`${url}readyz`).then((response) => response.ok, () => false);
    if (ready) {
      return { url, folder, binary, stop };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop();
  throw new Error(`inkling serve is not ready after 10 s: ${log}`);
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
