// Project files: the picture's own file, the example's, and everything that was drawn.

import { EMPTY } from "./document.js";
import { readZip, writeZip } from "./zip.js";

const FORM = "colordeploy-studio", VERSION = 1;

export async function packed({ file, example, state }) {
  const about = { form: FORM, version: VERSION, picture: file.name, state };
  if (example) about.example = example.name;
  const entries = [
    { name: "project.json", bytes: new TextEncoder().encode(JSON.stringify(about, null, 1)) },
    { name: "picture", bytes: new Uint8Array(await file.arrayBuffer()) },
  ];
  if (example) entries.push({ name: "example", bytes: new Uint8Array(await example.arrayBuffer()) });
  return writeZip(entries);
}

// { picture: File, example: File or null, state }
export async function unpacked(blob) {
  const entries = await readZip(blob);
  if (!entries.has("project.json") || !entries.has("picture")) throw new Error("this is no project file");
  let about;
  try {
    about = JSON.parse(new TextDecoder().decode(entries.get("project.json")));
  } catch {
    throw new Error("this project file is damaged");
  }
  if (about?.form !== FORM) throw new Error("this is no project of the studio");
  if (about.version > VERSION) throw new Error("this project was saved by a newer version");
  const picture = new File([entries.get("picture")], String(about.picture));
  const example = entries.has("example")
    ? new File([entries.get("example")], String(about.example)) : null;
  return { picture, example, state: checked(about.state) };
}

const finite = (...values) => values.every(Number.isFinite);
const list = (value, good) => Array.isArray(value) && value.every(good);
const absent = (value) => value === undefined || value === null;
const pair = (value) => list(value, Number.isFinite) && value.length === 2;
const color = (value) => list(value, Number.isFinite) && value.length === 3;

function stroke({ points, color: drawn, width }) {
  return list(points, pair) && points.length > 0 && typeof drawn === "string" && finite(width);
}

function anchor({ y, x, ab, color: shown, shown: own, candidates = [] }) {
  const candidate = (c) => pair(c?.ab) && color(c.color) && finite(c.probability);
  return finite(y, x) && pair(ab) && (shown === undefined || color(shown)) &&
    (own === undefined || typeof own === "string") && list(candidates, candidate);
}

function style(value, depth = 0) {
  if (absent(value) || finite(value) || list(value, Number.isFinite)) return true;
  return typeof value === "object" && !Array.isArray(value) && depth < 64 && finite(value.share) &&
    style(value.from, depth + 1) && style(value.to, depth + 1);
}

// What is drawn on the screen must have its form; the service checks the rest.
function checked(state) {
  const good = state && typeof state.model === "string" && list(state.strokes ?? [], (one) => one && stroke(one)) &&
    list(state.anchors ?? [], (one) => one && anchor(one)) && style(state.style) &&
    finite(state.saturation ?? 1, state.size ?? 1, state.sample ?? 0) &&
    typeof (state.flat ?? false) === "boolean";
  if (!good) throw new Error("this project file is damaged");
  const known = Object.keys(EMPTY).filter((name) => state[name] !== undefined);
  return Object.fromEntries(known.map((name) => [name, state[name]]));
}

export async function isZip(file) {
  const start = await file.slice(0, 4).arrayBuffer();
  return start.byteLength === 4 && new DataView(start).getUint32(0, true) === 0x04034b50;
}

export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
