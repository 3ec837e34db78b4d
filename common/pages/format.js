// Numbers as a reader wants them. What is not known is a dot.
"use strict";

const UNKNOWN = ".";
const known = (value) => value !== null && value !== undefined && !Number.isNaN(value);

/** 1,234,567 */
function integer(value) {
  return known(value) ? Math.round(value).toLocaleString("en-US") : UNKNOWN;
}

/** So many significant digits, without an exponent where the number is of a size one reads. */
function digits(value, count = 4) {
  if (!known(value)) return UNKNOWN;
  if (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e9)) return value.toExponential(count - 1);
  return value.toLocaleString("en-US", {maximumSignificantDigits: count});
}

/** A value with the prefix that keeps it short: scaled(1234, "B") is "1.234 kB". */
function scaled(value, unit, count = 4) {
  if (!known(value)) return UNKNOWN;
  if (value === 0) return unit ? `0 ${unit}` : "0";
  const prefixes = ["p", "n", "u", "m", "", "k", "M", "G", "T", "P"];
  const none = prefixes.indexOf("");
  // Rounded first, so that 999,999 is 1 M and not 1,000 k.
  const rounded = Number(Math.abs(value).toPrecision(count));
  const step = Math.min(Math.max(Math.floor(Math.log10(rounded) / 3), -none), prefixes.length - 1 - none);
  const text = digits(value / 1000 ** step, count);
  const suffix = prefixes[none + step] + unit;
  return suffix ? `${text} ${suffix}` : text;
}

const energy = (picojoules) => (known(picojoules) ? scaled(picojoules * 1e-12, "J") : UNKNOWN);
const seconds = (value) => scaled(value, "s");
const bytes = (value) => scaled(value, "B");
const percent = (part, count = 3) => (known(part) ? `${digits(100 * part, count)} %` : UNKNOWN);
const images = (count) => `${integer(count)} ${count === 1 ? "image" : "images"}`;

/** A key of the JSON in words: "pe_array" is "PE array". */
function words(key) {
  const names = {pe_array: "PE array", ppu: "PPU", dma: "DMA", dram: "DRAM", l2: "L2", no_command: "no command"};
  return names[key] ?? key.replaceAll("_", " ");
}

/** The end of a long name, which is what tells layers apart. */
function shortened(text, most) {
  return text.length <= most ? text : `~${text.slice(text.length - most + 1)}`;
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
