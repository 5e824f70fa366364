// The picture that colours are taken from, and where in it the pointer's place looks.

import * as api from "./api.js";
import { byId, say } from "./dom.js";

const GALLERY = [
  ["ruins", "ruins before a blue sky"], ["mountains", "a lake before mountains"],
  ["tea-field", "green hills"], ["sunset", "a street at sunset"], ["vegetables", "vegetables"],
  ["lawn", "a lawn with flags"], ["flowers", "blue flowers"], ["cat", "a cat indoors"],
];
const GRID = 40; // places a side that are asked for at once
const FAINT = 0.005; // a share of the attention below which a match is no news

export class Example {
  constructor(editor) {
    this.editor = editor;
    this.known = null; // { key, height, width, matches }
    byId("gallery").replaceChildren(...GALLERY.map((entry) => this.button(...entry)));
  }

  button(name, title) {
    const button = document.createElement("button"), image = document.createElement("img");
    image.src = `/static/gallery/${name}.jpg`;
    image.alt = "";
    image.loading = "lazy";
    image.width = 348;
    image.height = 256;
    button.append(image);
    button.title = title;
    button.setAttribute("aria-label", `take the colours of ${title}`);
    button.onclick = async () => {
      try {
        await this.set(await api.ownPicture(image.src, `${name}.jpg`));
      } catch (error) {
        say(error.message, true);
      }
    };
    return button;
  }

  async set(file) {
    try {
      await this.editor.setExample(file);
    } catch (error) {
      say(`${file.name}: ${error.message.replace(`${file.name}: `, "")}`, true);
    }
  }

  show() {
    const { example } = this.editor.document, image = byId("example");
    byId("example-box").hidden = !example;
    if (example && image.file !== example) {
      URL.revokeObjectURL(image.src);
      image.file = example;
      image.src = URL.createObjectURL(example);
      image.alt = `The example, ${example.name}`;
    }
    this.mark(null);
  }

  // Matches of a grid of places, asked for when the pointer first comes.
  async learn() {
    const { canvas, document } = this.editor, { exampleId } = document;
    const key = `${canvas?.id} ${exampleId}`;
    if (!canvas || !exampleId || this.asked === key) return;
    this.asked = key;
    const down = Math.min(GRID, canvas.height), across = Math.min(GRID, canvas.width);
    const points = [];
    for (let row = 0; row < down; row += 1) {
      for (let column = 0; column < across; column += 1) {
        points.push([((row + 0.5) * canvas.height) / down, ((column + 0.5) * canvas.width) / across]);
      }
    }
    try {
      this.known = { key, down, across, ...(await api.matches(canvas.id, exampleId, points)) };
    } catch {
      this.asked = null;
    }
  }

  // The pointer is at a place of the picture, or has left it (null).
  hover(place) {
    const { canvas, document } = this.editor;
    if (!place || !canvas) return this.mark(null);
    if (this.known?.key !== `${canvas.id} ${document.exampleId}`) {
      this.learn();
      return this.mark(null);
    }
    const { down, across, matches } = this.known;
    const row = Math.min(down - 1, Math.max(0, Math.floor((place[0] * down) / canvas.height)));
    const column = Math.min(across - 1, Math.max(0, Math.floor((place[1] * across) / canvas.width)));
    this.mark(matches[row * across + column]);
  }

  mark(match) {
    const dot = byId("match"), text = byId("match-text");
    const shown = Boolean(match) && match.weight >= FAINT;
    dot.classList.toggle("away", !shown);
    text.textContent = shown
      ? `This place looks at the ring, with ${(100 * match.weight).toFixed(0)} % of its attention.`
      : "Point at the picture to see where it looks.";
    if (!shown) return;
    dot.style.left = `${(100 * match.reference_x) / this.known.width}%`;
    dot.style.top = `${(100 * match.reference_y) / this.known.height}%`;
  }
}
