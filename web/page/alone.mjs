/**
 * Begins the page where there is no server: the engine in a worker answers in its place.
 */
import { answerLocally } from "./api.mjs";
import { Engine } from "./engine.mjs";

answerLocally(new Engine());
await import("./main.mjs");

// From now on the page opens without a network, too, where the browser lets it.
if ("serviceWorker" in navigator && isSecureContext) {
  navigator.serviceWorker.register(new URL("./offline.mjs", import.meta.url)).catch(() => {});
}
