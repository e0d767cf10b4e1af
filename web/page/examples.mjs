/**
 * Drawings to begin with.
 */
import { make } from "./dom.mjs";

/** @typedef {import("./drawing.mjs").Drawing} Drawing */
/** @typedef {import("./translations.mjs").TextKey} TextKey */

/** @typedef {[x: number, y: number]} Place */

/**
 * A part of an ellipse; 0 degrees is to the right, 90 is down.
 * @param {number} x of the centre
 * @param {number} y
 * @param {number} width half of it
 * @param {number} height half of it
 * @param {number} from in degrees
 * @param {number} to in degrees; below from: the other way round
 * @returns {Place[]}
 */
function arc(x, y, width, height, from, to) {
  const count = Math.max(2, Math.round(Math.abs(to - from) / 15));
  return Array.from({ length: count + 1 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / count) * Math.PI) / 180;
    return [x + width * Math.cos(angle), y + height * Math.sin(angle)];
  });
}

/** @type {readonly { name: TextKey, lines: readonly (readonly Place[])[] }[]} */
const DRAWN = [
  { name: "exampleThree", lines: [[...arc(136, 92, 50, 44, -155, 80), ...arc(134, 184, 62, 50, -80, 150)]] },
  {
    name: "exampleNumber",
    lines: [
      [...arc(76, 104, 36, 38, -170, 40), [42, 196], [122, 192]],
      [[176, 76], [172, 126], ...arc(196, 160, 42, 38, -115, 140)],
      [[178, 76], [236, 72]],
    ],
  },
  { name: "exampleUntidy", lines: [[[92, 40], [70, 104], [68, 140], [110, 146], [196, 126]], [[166, 64], [150, 140], [140, 244]]] },
  { name: "exampleLetter", lines: [[[66, 228], [138, 48], [214, 232]], [[92, 168], [188, 166]]] },
];

/** @type {readonly Drawing[]} */
export const EXAMPLES = DRAWN.map(({ lines }) => ({
  strokes: lines.map((line, i) => line.map(([x, y], k) => /** @type {const} */ ([x, y, 1000 * i + 20 * k, 0.5]))),
  picture: null,
  example: true,
}));

/**
 * A button for each example, which shows it.
 * @param {HTMLElement} into
 * @param {(example: Drawing) => void} choose
 */
export function setUpExamples(into, choose) {
  DRAWN.forEach(({ name, lines }, i) => {
    const button = make("button", "button example");
    button.type = "button";
    button.dataset["label"] = name;
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    picture.setAttribute("viewBox", "0 0 280 280");
    picture.setAttribute("aria-hidden", "true");
    for (const line of lines) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
      path.setAttribute("points", line.map(([x, y]) => `${x.toFixed(0)},${y.toFixed(0)}`).join(" "));
      picture.append(path);
    }
    button.append(picture);
    button.addEventListener("click", () => choose(/** @type {Drawing} */ (EXAMPLES[i])));
    into.append(button);
  });
}
