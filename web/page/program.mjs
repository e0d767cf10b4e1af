/**
 * The "use it from a program" panel: one tab for each language, and copying.
 */
import { address } from "./api.mjs";
import { byId } from "./dom.mjs";
import { snippets } from "./snippets.mjs";

/** @typedef {import("./answer.mjs").Translate} Translate */
/** @typedef {import("./snippets.mjs").SnippetName} SnippetName */

/** @type {readonly SnippetName[]} in the order of the tabs */
const NAMES = ["curl", "javascript", "python", "go"];

/**
 * @param {Translate} t
 * @param {(words: string) => void} announce
 * @returns {(measures: boolean) => void} to be told whether the model answers with a number
 */
export function setUpProgramPanel(t, announce) {
  let texts = snippets(address("api/predict"));
  let shown = 0;
  const tabs = NAMES.map((name) => byId(`tab-${name}`, HTMLButtonElement));
  const code = byId("snippet", HTMLElement);
  const panel = byId("snippet-panel", HTMLElement);

  /** @param {number} chosen */
  const choose = (chosen) => {
    shown = chosen;
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(i === chosen));
      tab.tabIndex = i === chosen ? 0 : -1;
    });
    const name = NAMES[chosen];
    if (name) {
      code.textContent = texts[name];
      panel.setAttribute("aria-labelledby", `tab-${name}`);
    }
  };

  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => choose(i));
    tab.addEventListener("keydown", (event) => {
      const next = { ArrowRight: i + 1, ArrowLeft: i - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[event.key];
      if (next !== undefined) {
        event.preventDefault();
        choose(next % tabs.length);
        tabs[next % tabs.length]?.focus();
      }
    });
  });
  choose(0);

  const button = byId("copy", HTMLButtonElement);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let back;
  button.addEventListener("click", async () => {
    const copied = await copy(code);
    button.textContent = copied ? t("copied") : t("copy");
    announce(t(copied ? "copied" : "copyFailed"));
    clearTimeout(back);
    back = setTimeout(() => (button.textContent = t("copy")), 2000);
  });
  return (measures) => {
    texts = snippets(address("api/predict"), measures);
    choose(shown);
  };
}

/**
 * @param {HTMLElement} code
 * @returns {Promise<boolean>}
 */
async function copy(code) {
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    return true;
  } catch {
    // Without https, other than on this computer, there is no clipboard; at
    // least the lines are selected, and the older command may work.
    getSelection()?.selectAllChildren(code);
    return document.execCommand("copy");
  }
}
