// ZIP archives without compression (pictures have their own), for project files. APPNOTE 6.3.

const MOST = 2 ** 29; // bytes that a file may have when it is unpacked

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

export function crc32(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) c = TABLE[(c ^ byte) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function record(size, fields) {
  const view = new DataView(new ArrayBuffer(size));
  let place = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(place, value, true);
    else view.setUint32(place, value, true);
    place += bytes;
  }
  return new Uint8Array(view.buffer);
}

// entries: [{ name, bytes: Uint8Array }]
export function writeZip(entries) {
  const parts = [], directory = [];
  let offset = 0;
  for (const { name, bytes } of entries) {
    const label = new TextEncoder().encode(name);
    const common = [
      [2, 20], [2, 0x0800], [2, 0], [4, 0x00210000], [4, crc32(bytes)], [4, bytes.length],
      [4, bytes.length], [2, label.length], [2, 0],
    ];
    const head = record(30, [[4, 0x04034b50], ...common]);
    parts.push(head, label, bytes);
    directory.push(
      record(46, [
        [4, 0x02014b50], [2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset],
      ]),
      label,
    );
    offset += head.length + label.length + bytes.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const count = entries.length;
  const end = record(22, [
    [4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, length], [4, offset], [2, 0],
  ]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

// A map of name to Uint8Array. Throws on what is no such archive.
export async function readZip(blob) {
  try {
    return await entriesOf(blob);
  } catch (error) {
    if (error instanceof RangeError) throw new Error("this project file is damaged"); // cut off
    throw error;
  }
}

async function entriesOf(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const view = new DataView(bytes.buffer);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end -= 1;
  if (end < 0) throw new Error("this is no project file");
  const found = new Map();
  let place = view.getUint32(end + 16, true);
  for (let count = view.getUint16(end + 10, true); count > 0; count -= 1) {
    const method = view.getUint16(place + 10, true);
    const sum = view.getUint32(place + 16, true), packed = view.getUint32(place + 20, true);
    const label = view.getUint16(place + 28, true), offset = view.getUint32(place + 42, true);
    const name = new TextDecoder().decode(bytes.subarray(place + 46, place + 46 + label));
    const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
    let data = bytes.subarray(start, start + packed);
    if (method === 8) data = await inflated(data, name);
    else if (method !== 0) throw new Error(`${name} is packed in an unknown way`);
    if (crc32(data) !== sum) throw new Error(`${name} is damaged in the project file`);
    found.set(name, data);
    place += 46 + label + view.getUint16(place + 30, true) + view.getUint16(place + 32, true);
  }
  return found;
}

// Whatever size the archive claims: a small file may hide a large one.
async function inflated(data, name) {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const parts = [];
  let length = 0;
  try {
    for await (const part of stream) {
      length += part.length;
      if (length > MOST) break;
      parts.push(part);
    }
  } catch {
    throw new Error(`${name} is damaged in the project file`);
  }
  if (length > MOST) throw new Error(`${name} is larger than ${MOST >> 20} MiB in the project file`);
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
