/**
 * Which probabilities are shown, and in what order.
 */

/** @typedef {{ index: number, label: string, probability: number }} Row */

/** More bars than this are no longer read at a glance. */
const BARS = 10;

/**
 * @param {readonly number[]} probabilities
 * @param {readonly string[]} classes
 * @returns {Row[]} the likeliest first; equal ones in the classes' order
 */
export function runnersUp(probabilities, classes) {
  return rowsOf(probabilities, classes).sort((a, b) => b.probability - a.probability || a.index - b.index);
}

/**
 * The bars: every class in its own order, or the ten likeliest where there are more.
 * @param {readonly number[]} probabilities
 * @param {readonly string[]} classes
 * @returns {Row[]}
 */
export function barRows(probabilities, classes) {
  return probabilities.length <= BARS
    ? rowsOf(probabilities, classes)
    : runnersUp(probabilities, classes).slice(0, BARS);
}

/**
 * @param {readonly number[]} probabilities
 * @param {readonly string[]} classes
 */
function rowsOf(probabilities, classes) {
  return probabilities.map((probability, index) => ({ index, label: classes[index] ?? String(index), probability }));
}
