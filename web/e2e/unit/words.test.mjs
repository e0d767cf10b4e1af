import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { sentenceOf } from "../../page/api.mjs";
import { barRows, runnersUp } from "../../page/probabilities.mjs";
import { snippets } from "../../page/snippets.mjs";
import { LANGUAGES, chooseLanguage, datasetName, number, percent, quantity, stepName, text } from "../../page/translations.mjs";

const page = new URL("../../page/", import.meta.url);
const pages = ["index.html", "pictures.html"];
const html = pages.map((name) => readFileSync(new URL(name, page), "utf8")).join("\n");
const placeholders = (/** @type {string} */ words) => (words.match(/\{\w+\}/g) ?? []).sort();

test("both languages say everything, with the same blanks to fill in", () => {
  const { en, zh } = LANGUAGES;
  assert.deepEqual(Object.keys(zh.texts), Object.keys(en.texts));
  for (const [key, words] of Object.entries(en.texts)) {
    const translated = zh.texts[/** @type {keyof typeof zh.texts} */ (key)];
    assert.deepEqual(placeholders(translated), placeholders(words), key);
    assert.match(translated, /[\u4e00-\u9fff]|^Inkling/, `${key} is in Chinese`);
  }
});

test("the pages ask for texts that there are, and starts with the English ones", () => {
  const texts = /** @type {Record<string, string>} */ (LANGUAGES.en.texts);
  const written = [...html.matchAll(/data-text="(\w+)"[^>]*>([^<]*)</g)];
  const labels = [...html.matchAll(/data-label="(\w+)" aria-label="([^"]*)"/g)];
  assert.ok(written.length > 30 && labels.length > 3);
  for (const [, key = "", words] of [...written, ...labels]) {
    assert.equal(words, texts[key], key);
  }
});

test("every text is used", () => {
  const sources = readdirSync(page)
    .filter((name) => name.endsWith(".mjs"))
    .map((name) => readFileSync(new URL(name, page), "utf8"))
    .join("\n");
  for (const key of Object.keys(LANGUAGES.en.texts)) {
    const used = html.includes(`data-text="${key}"`) || html.includes(`data-label="${key}"`) || sources.includes(`"${key}"`);
    assert.ok(used, key);
  }
});

test("nothing is inline, and nothing comes from another host", () => {
  assert.doesNotMatch(html, /\sstyle=|\son\w+=|<style|<script>|javascript:/);
  for (const name of readdirSync(page)) {
    const source = readFileSync(new URL(name, page), "utf8");
    const addresses = (source.match(/https?:\/\/[^\s"'`)]+/g) ?? []).filter(
      (address) => address !== "http://www.w3.org/2000/svg" && !address.startsWith("http://localhost"),
    );
    assert.deepEqual(addresses, [], name);
  }
});

test("the reader's first language that the page speaks is chosen", () => {
  assert.equal(chooseLanguage(["zh-CN", "en"]), "zh");
  assert.equal(chooseLanguage(["zh-Hant-TW"]), "zh");
  assert.equal(chooseLanguage(["de-DE", "ZH"]), "zh");
  assert.equal(chooseLanguage(["fr", "en-GB", "zh"]), "en");
  assert.equal(chooseLanguage(["fr"]), "en");
  assert.equal(chooseLanguage([]), "en");
});

test("texts are filled in; a blank without a value stays visible", () => {
  assert.equal(text("en", "featuresLabel", { name: "conv1", maps: 6 }), "conv1: 6 feature maps");
  assert.equal(text("en", "featuresLabel", { name: "$&", maps: 6 }), "$&: 6 feature maps");
  assert.equal(text("en", "featuresLabel", { maps: 6 }), "{name}: 6 feature maps");
});

test("data sets have the names people know", () => {
  assert.equal(datasetName("en", "emnist", ""), "EMNIST");
  assert.equal(datasetName("zh", "emnist", "letters"), "EMNIST (letters)");
  assert.equal(datasetName("en", "folder", "mnist"), "a folder of pictures");
  assert.equal(datasetName("en", "runes", ""), "runes");
});

test("what a model tells has six digits", () => {
  assert.deepEqual([104.25, -1234.5678, 0.000123456789].map((value) => quantity("en", value)), ["104.25", "-1,234.57", "0.000123457"]);
});

test("numbers are short, with a real minus", () => {
  assert.deepEqual([-1, 0, 0.5, 2.8215, -0.42421].map(number), ["−1", "0", "0.5", "2.82", "−0.42"]);
});

test("steps have names people know, unknown ones keep their own", () => {
  assert.equal(stepName("zh", "crop"), "裁剪");
  assert.equal(stepName("en", "crop"), "Crop");
  assert.equal(stepName("zh", "sharpen"), "sharpen");
});

test("a probability is never rounded up to certainty", () => {
  assert.equal(percent(0.1234), "12.3\u00a0%");
  assert.equal(percent(0.9994), "99.9\u00a0%");
  assert.equal(percent(0.99996), ">\u00a099.9\u00a0%");
  assert.equal(percent(1), ">\u00a099.9\u00a0%");
  assert.equal(percent(0), "0.0\u00a0%");
});

test("ten bars in the classes' order, or the ten likeliest", () => {
  assert.deepEqual(
    barRows([0.25, 0.75], ["a", "b"]).map(({ label }) => label),
    ["a", "b"],
  );
  const many = Array.from({ length: 26 }, (_, i) => i / 325);
  const letters = [..."abcdefghijklmnopqrstuvwxyz"];
  assert.deepEqual(
    barRows(many, letters).map(({ label }) => label),
    [..."zyxwvutsrq"],
  );
  assert.deepEqual(
    runnersUp([0.5, 0.5, 0], ["x"]).map(({ label }) => label),
    ["x", "1", "2"],
  );
});

test("the sentence of a problem, and none from what is not one", () => {
  assert.equal(sentenceOf('{"title":"Bad Request","detail":"The drawing has no strokes."}'), "The drawing has no strokes.");
  assert.equal(sentenceOf('{"detail":"the picture is cut off"}'), "The picture is cut off.");
  assert.equal(sentenceOf('{"title":"Too Many Requests"}'), "Too Many Requests.");
  for (const nothing of ["", "<html>", "null", "[]", '{"detail":3}', "{}"]) {
    assert.equal(sentenceOf(nothing), null, nothing);
  }
});

test("every snippet asks the very endpoint", () => {
  const url = "http://localhost:7860/api/predict";
  for (const [name, code] of Object.entries(snippets(url))) {
    assert.ok(code.includes(url) && code.includes("strokes"), name);
  }
});
