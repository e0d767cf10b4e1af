/**
 * The ten digits as paths written for the tests, in a square from 0 to 1.
 */

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
  const count = Math.max(2, Math.round(Math.abs(to - from) / 22.5));
  return Array.from({ length: count + 1 }, (_, i) => {
    const angle = ((from + ((to - from) * i) / count) * Math.PI) / 180;
    return [x + width * Math.cos(angle), y + height * Math.sin(angle)];
  });
}

/**
 * As a hand writes them.
 * @type {readonly (readonly Place[])[][]}
 */
export const HANDWRITTEN = [
  [arc(0.5, 0.5, 0.2, 0.32, -80, -445)],
  [[[0.42, 0.28], [0.53, 0.18], [0.5, 0.82]]],
  [[...arc(0.5, 0.36, 0.19, 0.18, -170, 35), [0.33, 0.8], [0.72, 0.79]]],
  [[...arc(0.48, 0.33, 0.18, 0.16, -160, 85), ...arc(0.48, 0.65, 0.21, 0.17, -85, 155)]],
  [
    [[0.4, 0.18], [0.3, 0.52], [0.7, 0.52]],
    [[0.62, 0.2], [0.58, 0.84]],
  ],
  [
    [[0.38, 0.2], [0.36, 0.46], ...arc(0.48, 0.63, 0.2, 0.19, -110, 150)],
    [[0.38, 0.2], [0.7, 0.2]],
  ],
  [[[0.62, 0.17], [0.46, 0.3], [0.37, 0.5], ...arc(0.51, 0.66, 0.16, 0.16, 180, -180)]],
  [[[0.28, 0.22], [0.72, 0.21], [0.44, 0.83]]],
  [[...arc(0.5, 0.34, 0.15, 0.15, -40, -270), ...arc(0.5, 0.66, 0.18, 0.17, -90, 270), ...arc(0.5, 0.34, 0.15, 0.15, 90, -40)]],
  [[...arc(0.5, 0.36, 0.17, 0.17, -20, -375), [0.67, 0.34], [0.64, 0.58], [0.56, 0.84]]],
];

/**
 * For the keyboard: corners on the pad's grid of 20 by 20, straight and
 * diagonal lines only.
 * @type {readonly (readonly Place[])[][]}
 */
export const ON_THE_GRID = [
  [[[9, 4], [7, 6], [7, 14], [9, 16], [11, 16], [13, 14], [13, 6], [11, 4], [9, 4]]],
  [[[10, 3], [10, 16]]],
  [[[7, 6], [9, 4], [12, 4], [13, 5], [13, 8], [6, 15], [6, 16], [14, 16]]],
  [[[7, 5], [8, 4], [12, 4], [13, 5], [13, 8], [12, 9], [9, 9], [12, 9], [14, 11], [14, 14], [12, 16], [8, 16], [7, 15]]],
  [
    [[7, 3], [7, 10], [14, 10]],
    [[12, 4], [12, 17]],
  ],
  [[[13, 4], [7, 4], [7, 9], [11, 9], [13, 11], [13, 14], [11, 16], [8, 16], [6, 14]]],
  [[[12, 3], [11, 3], [7, 7], [7, 14], [9, 16], [11, 16], [13, 14], [13, 12], [11, 10], [9, 10], [7, 12]]],
  [[[6, 4], [14, 4], [14, 5], [9, 10], [9, 16]]],
  [[[9, 4], [7, 6], [7, 7], [9, 9], [11, 9], [13, 11], [13, 14], [11, 16], [9, 16], [7, 14], [7, 11], [9, 9], [11, 9], [13, 7], [13, 6], [11, 4], [9, 4]]],
  [[[13, 6], [11, 4], [9, 4], [7, 6], [7, 8], [9, 10], [11, 10], [13, 8], [13, 6], [13, 16]]],
];
