// Colours to choose from: recent ones, the picture's own, and a palette.

import { byId } from "./dom.js";

const PALETTE = [
  "#e8c4a0", "#c68863", "#8d5a3b", "#5b3a29", "#a9c7e8", "#4f83c4", "#24457a", "#8fae6b",
  "#4d7a3a", "#2f4d2a", "#d9b25f", "#c8643c", "#a32a2e", "#7d4a86", "#8a8a86", "#efece4",
];
const RECENT = "colordeploy-recent-colours", MANY = 8;
const APART = 40; // levels between two colours of a picture's palette
const COLOURFUL = 24;

export const hex = (rgb) => `#${rgb.map((v) => Math.round(v).toString(16).padStart(2, "0")).join("")}`;

export function recentColors() {
  try {
    const colors = JSON.parse(localStorage.getItem(RECENT));
    return Array.isArray(colors) ? colors : [];
  } catch {
    return [];
  }
}

export function rememberColor(color) {
  const colors = [color, ...recentColors().filter((c) => c !== color)].slice(0, MANY);
  try {
    localStorage.setItem(RECENT, JSON.stringify(colors));
  } catch { /* private windows */ }
}

function swatches(id, colors, chosen) {
  const box = byId(id), focused = [...box.children].indexOf(document.activeElement);
  box.replaceChildren(
    ...colors.map((color) => {
      const button = document.createElement("button");
      button.style.background = color;
      button.title = color;
      button.setAttribute("aria-label", `colour ${color}`);
      button.onclick = () => chosen(color);
      return button;
    }),
  );
  box.children[focused]?.focus();
  box.parentElement.hidden = colors.length === 0;
}

export function showColors(chosen) {
  swatches("swatches", PALETTE, chosen);
  swatches("recent", recentColors(), chosen);
}

// The most common colours of a picture that are apart from each other.
export function pictureColors(image) {
  const side = 64, small = new OffscreenCanvas(side, side);
  const context = small.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, side, side);
  const { data } = context.getImageData(0, 0, side, side);
  const bins = new Map();
  for (let i = 0; i < data.length; i += 4) {
    const rgb = [data[i], data[i + 1], data[i + 2]];
    if (Math.max(...rgb) - Math.min(...rgb) < COLOURFUL) continue;
    const key = rgb.reduce((sum, v) => sum * 16 + (v >> 4), 0);
    const bin = bins.get(key) ?? { count: 0, sum: [0, 0, 0] };
    bin.count += 1;
    bin.sum = bin.sum.map((v, c) => v + rgb[c]);
    bins.set(key, bin);
  }
  const found = [];
  for (const { count, sum } of [...bins.values()].sort((a, b) => b.count - a.count)) {
    const rgb = sum.map((v) => v / count);
    if (found.every((other) => Math.hypot(...rgb.map((v, c) => v - other[c])) > APART)) found.push(rgb);
    if (found.length === MANY) break;
  }
  return found.map(hex);
}

export function showPictureColors(image, chosen) {
  swatches("picture-colors", image ? pictureColors(image) : [], chosen);
}

// CIE a and b (D65) of a colour #rrggbb.
export function abOf(color) {
  const linear = [1, 3, 5].map((place) => {
    const v = parseInt(color.slice(place, place + 2), 16) / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  const rows = [
    [0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047],
    [0.2126729, 0.7151522, 0.072175],
    [0.0193339 / 1.08883, 0.119192 / 1.08883, 0.9503041 / 1.08883],
  ];
  const [x, y, z] = rows
    .map((row) => row.reduce((sum, share, c) => sum + share * linear[c], 0))
    .map((t) => (t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29));
  return [500 * (x - y), 200 * (y - z)];
}
