// Project files: the picture's own file, the example's, and everything that was drawn.

import { readZip, writeZip } from "./zip.js";

const FORM = "colordeploy-studio", VERSION = 1;

export async function packed(file, example, state) {
  const entries = [];
  const about = { form: FORM, version: VERSION, picture: file.name, state };
  if (example) about.example = example.name;
  const bytes = new TextEncoder().encode(JSON.stringify(about, null, 1));
  entries.push({ name: "project.json", bytes });
  entries.push({ name: "picture", bytes: new Uint8Array(await file.arrayBuffer()) });
  if (example) entries.push({ name: "example", bytes: new Uint8Array(await example.arrayBuffer()) });
  return writeZip(entries);
}

// { picture: File, example: File or null, state }
export async function unpacked(blob) {
  const entries = await readZip(blob);
  if (!entries.has("project.json") || !entries.has("picture")) throw new Error("this is no project file");
  const about = JSON.parse(new TextDecoder().decode(entries.get("project.json")));
  if (about.form !== FORM) throw new Error("this is no project of the studio");
  if (about.version > VERSION) throw new Error("this project was saved by a newer version");
  const picture = new File([entries.get("picture")], about.picture);
  const example = entries.has("example") ? new File([entries.get("example")], about.example) : null;
  return { picture, example, state: about.state };
}

export const isZip = async (file) =>
  new DataView(await file.slice(0, 4).arrayBuffer().then((b) => (b.byteLength < 4 ? new ArrayBuffer(4) : b)))
    .getUint32(0, true) === 0x04034b50;

export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
