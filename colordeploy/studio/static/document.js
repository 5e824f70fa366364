// One picture that is open: its files, what was drawn, and its canvas at the service.

import { History } from "./history.js";

export const EMPTY = Object.freeze({
  model: "lga",
  size: null,
  saturation: 1,
  strokes: Object.freeze([]),
  anchors: null, // null: the model's own answer
  sample: 0,
  style: null,
  flat: false,
});

const KEPT = 100; // steps of the history that outlive the page

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Document {
  constructor(file = null, state = EMPTY, example = null, id = newId()) {
    this.id = id;
    this.file = file;
    this.example = example;
    this.history = new History({ ...EMPTY, ...state });
    this.picture = this.exampleId = this.canvas = null; // what the service holds
    this.sight = null; // where the picture lay on the screen, and its pixels
  }

  get name() {
    return this.file?.name ?? "";
  }

  get stem() {
    return this.name.replace(/\.[^.]*$/, "") || "picture";
  }

  get state() {
    return this.history.state;
  }

  // Whether the canvas is the one that the state asks for.
  get ready() {
    const { canvas, state } = this;
    return canvas !== null && canvas.model === state.model && canvas.size === state.size;
  }

  // For the browser's own database: files apart, for they never change with the drawing.
  get kept() {
    const { states, place } = this.history;
    const first = Math.max(0, place - KEPT);
    return { states: states.slice(first), place: place - first };
  }

  static from({ id, picture, example, states, place }) {
    const document = new Document(picture, states[place], example ?? null, id);
    document.history.restore(states.map((state) => ({ ...EMPTY, ...state })), place);
    return document;
  }
}
