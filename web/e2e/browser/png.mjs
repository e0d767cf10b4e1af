/**
 * Pictures to show to networks.
 */
import { crc32, deflateSync } from "node:zlib";

/**
 * A PNG of one colour or gray, or with another colour from a column on.
 * @param {number} width
 * @param {number} height
 * @param {readonly number[]} colour red, green and blue, or a gray
 * @param {readonly number[]} [right] of what is from that column on
 * @param {number} [from]
 */
export function png(width, height, colour, right = colour, from = width) {
  const chunk = (/** @type {string} */ kind, /** @type {Buffer} */ data) => {
    const body = Buffer.concat([Buffer.from(kind), data]);
    const whole = Buffer.alloc(body.length + 8);
    whole.writeUInt32BE(data.length);
    body.copy(whole, 4);
    whole.writeUInt32BE(crc32(body), body.length + 4);
    return whole;
  };
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, colour.length === 1 ? 0 : 2, 0, 0, 0]);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  const row = Buffer.from([0, ...Array.from({ length: width }, (_, x) => (x < from ? colour : right)).flat()]);
  const rows = Buffer.concat(Array.from({ length: height }, () => row));
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}
