// What lies under the pointer: the region of a drawing, affinities of a pixel.

import * as api from "./api.js";
import { byId, say } from "./dom.js";

const FINEST = 1024; // short side of the map of regions
const MAP = 512; // short side of affinities: they are smooth
const COLOR = [240, 120, 20];

async function pixelsOf(blob) {
  const image = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, image.width, image.height);
}

function imageOf(pixels) {
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

export class Insight {
  constructor(editor) {
    this.editor = editor;
    this.regions = null; // { key, labels, height, width, shown }
    this.shown = null; // { image, y0, x0, y1, x1 } in the picture's pixels
    byId("affinities").onchange = () => this.hover(null);
  }

  hover(place) {
    const { tool, canvas } = this.editor;
    if (!place || !canvas) this.put(null);
    else if (tool === "sketch") this.region(place);
    else if (tool === "scribble" && byId("affinities").checked) this.affinities(place);
    else this.put(null);
  }

  put(shown) {
    if (shown === null) {
      if (this.regions) this.regions.shown = 0;
      this.wanted = null;
    }
    if (shown === this.shown) return;
    this.shown = shown;
    this.editor.view.draw();
  }

  whole(image) {
    const { height, width } = this.editor.view.size;
    return { image, y0: 0, x0: 0, y1: height, x1: width };
  }

  // ---- Regions

  async learn(key) {
    if (this.asked === key) return;
    this.asked = key;
    try {
      const { height, width } = this.editor.canvas;
      const pixels = await pixelsOf(await api.regions(key, Math.min(FINEST, height, width)));
      const labels = new Uint32Array(pixels.data.buffer).map((v) => v & 0xffffff);
      this.regions = { key, labels, height: pixels.height, width: pixels.width, shown: 0 };
    } catch {
      this.asked = null;
    }
  }

  region([y, x]) {
    const { canvas } = this.editor, { regions } = this;
    if (regions?.key !== canvas.id) return void this.learn(canvas.id);
    const row = Math.floor(((y + 0.5) * regions.height) / canvas.height);
    const column = Math.floor(((x + 0.5) * regions.width) / canvas.width);
    const label = regions.labels[row * regions.width + column] ?? 0;
    if (label === regions.shown) return;
    if (label === 0) return this.put(null);
    regions.shown = label;
    this.put(this.outlined(label));
  }

  outlined(label) {
    const { labels, height, width } = this.regions;
    const [r, g, b] = COLOR, pixels = new ImageData(width, height);
    const words = new Uint32Array(pixels.data.buffer);
    const word = (alpha) => ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
    const edge = word(255), inside = word(70);
    for (let i = 0; i < labels.length; i += 1) {
      if (labels[i] !== label) continue;
      const column = i % width;
      const within = column > 0 && column < width - 1 && labels[i - 1] === label &&
        labels[i + 1] === label && labels[i - width] === label && labels[i + width] === label;
      words[i] = within ? inside : edge;
    }
    return this.whole(imageOf(pixels));
  }

  // ---- Affinities: the newest place counts, one request at a time

  async affinities(place) {
    this.wanted = place;
    if (this.asking) return;
    this.asking = true;
    try {
      while (this.wanted) {
        const [y, x] = this.wanted.map(Math.round), { canvas } = this.editor;
        this.wanted = null;
        const size = Math.min(MAP, canvas.height, canvas.width);
        const pixels = await pixelsOf(await api.affinities(canvas.id, Math.max(0, y), Math.max(0, x), size));
        if (canvas !== this.editor.canvas || !byId("affinities").checked) break;
        this.put(this.whole(this.heat(pixels)));
      }
    } catch (error) {
      say(error.message, true);
    } finally {
      this.asking = false;
    }
  }

  heat(pixels) {
    const { data } = pixels;
    for (let i = 0; i < data.length; i += 4) {
      const share = Math.sqrt(data[i] / 255); // most are small
      for (const [c, value] of COLOR.entries()) data[i + c] = share * value;
      data[i + 3] = 120 + 80 * share;
    }
    return imageOf(pixels);
  }
}
