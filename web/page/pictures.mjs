/**
 * Pictures as data URLs, shown on canvases: an <img> would need an exception
 * for data: in the page's content security policy, a decoded bitmap needs none.
 */

/**
 * @param {string} dataURL with base64 data
 * @returns {Blob}
 */
export function blobOf(dataURL) {
  const match = /^data:([^;,]*);base64,/.exec(dataURL);
  if (!match) {
    throw new Error("not a data URL in base64");
  }
  const characters = atob(dataURL.slice(match[0].length));
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = characters.charCodeAt(i); // several times as fast as Uint8Array.from
  }
  return new Blob([bytes], { type: match[1] ?? "" });
}

/**
 * @param {string} dataURL
 * @returns {Promise<ImageBitmap>}
 */
export async function decode(dataURL) {
  return createImageBitmap(blobOf(dataURL));
}

/**
 * @param {Blob} file
 * @returns {Promise<string>}
 */
export function dataURLOf(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

/** What is sent as it is. Anything else is sent as the browser shows it. */
const TAKEN = new Set(["image/png", "image/jpeg", "image/gif", "image/bmp"]);

/** Larger files, such as a telephone's photographs, are made smaller, in bytes. */
const LARGE = 1 << 20;

/** The longer side of a picture that was made smaller, in pixels: plenty for 28. */
const LONGER_SIDE = 1024;

/**
 * The file as it is sent: itself, or, if it is large or of a format that the
 * browser alone knows, what it shows as a smaller JPEG or PNG.
 * @param {Blob} file
 * @param {ImageBitmap | null} bitmap null where the browser cannot show the file
 * @returns {Promise<Blob>}
 */
export async function fitting(file, bitmap) {
  if (!bitmap || (TAKEN.has(file.type) && file.size <= LARGE)) {
    return file;
  }
  const scale = Math.min(1, LONGER_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(Math.ceil(bitmap.width * scale), Math.ceil(bitmap.height * scale));
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob(file.type === "image/jpeg" ? { type: file.type, quality: 0.9 } : {});
}

/**
 * Shows a bitmap pixel by pixel; the style sheet enlarges it.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} bitmap
 */
export function show(canvas, bitmap) {
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  const context = contextOf(canvas);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0);
}

/**
 * Shows tiles, which have no gaps in the bitmap, a pixel apart.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} bitmap
 * @param {number} count
 * @param {number} columns
 */
export function showTiles(canvas, bitmap, count, columns) {
  const rows = Math.ceil(count / columns);
  const width = bitmap.width / columns;
  const height = bitmap.height / rows;
  canvas.width = bitmap.width + columns - 1;
  canvas.height = bitmap.height + rows - 1;
  const context = contextOf(canvas);
  for (let i = 0; i < count; i++) {
    const column = i % columns;
    const row = Math.floor(i / columns);
    context.drawImage(bitmap, column * width, row * height, width, height, column * (width + 1), row * (height + 1), width, height);
  }
}

/** @param {HTMLCanvasElement} canvas */
export function wipe(canvas) {
  contextOf(canvas).clearRect(0, 0, canvas.width, canvas.height);
}

/** @param {HTMLCanvasElement} canvas */
export function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) {
    throw new Error("this browser cannot draw on a canvas");
  }
  return context;
}
