// Brush, eraser, picker and hand on the picture, for whichever tool is chosen.

import { rememberColor, showColors } from "./colors.js";
import { Cursor } from "./cursor.js";
import { byId, patient, say } from "./dom.js";
import { drawOverlay } from "./overlay.js";
import { attachPointer } from "./pointer.js";

function near([y0, x0], [y1, x1], y, x) {
  const length = (y1 - y0) ** 2 + (x1 - x0) ** 2;
  const along = length ? ((y - y0) * (y1 - y0) + (x - x0) * (x1 - x0)) / length : 0;
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(y - y0 - t * (y1 - y0), x - x0 - t * (x1 - x0));
}

export class Drawing {
  constructor(editor, anchors, insight, example) {
    Object.assign(this, { editor, anchors, insight, example });
    this.mode = "brush";
    this.drawing = this.pointer = null;
    this.moved = patient(80, () => editor.follow()); // pixels follow when the view rests
    for (const button of document.querySelectorAll("[data-mode]")) {
      button.onclick = () => this.setMode(button.dataset.mode);
    }
    byId("color").onchange = (event) => this.setColor(event.target.value);
    byId("show-strokes").onchange = () => editor.view.draw();
    byId("clear").onclick = () => editor.state.strokes.length && editor.change({ strokes: [] });
    showColors((color) => this.setColor(color));
    editor.view.onDraw = () => this.overlay();
    const element = byId("overlay");
    attachPointer(element, this);
    new Cursor(element, say, () => this.chosenPlace());
  }

  get view() {
    return this.editor.view;
  }

  // Of the chosen anchor, in the stage's pixels.
  chosenPlace() {
    const anchor = this.editor.tool === "auto" && this.anchors.list[this.anchors.chosen];
    return anchor ? this.view.toScreen([anchor.y, anchor.x]) : null;
  }

  // Strokes colour photos, and are hints for the regions of line art.
  get draws() {
    return this.editor.tool === "scribble" || this.editor.tool === "sketch";
  }

  // An imported network colours by itself and has no anchors.
  get anchored() {
    return this.editor.tool === "auto" && this.editor.canvas?.anchors?.length !== 0;
  }

  get currentMode() {
    if (this.draws) return this.mode;
    return this.anchored && this.mode !== "hand" ? "anchors" : "hand";
  }

  setMode(mode) {
    this.mode = mode;
    for (const button of document.querySelectorAll("[data-mode]")) {
      button.setAttribute("aria-checked", String(button.dataset.mode === mode));
    }
    this.showMode();
  }

  showMode() {
    byId("overlay").classList.toggle("hand", this.currentMode === "hand");
  }

  get color() {
    return byId("color").value;
  }

  setColor(color) {
    byId("color").value = color;
    rememberColor(color);
    showColors((chosen) => this.setColor(chosen));
    if (this.mode === "eraser" || this.mode === "picker") this.setMode("brush");
  }

  // In the picture's pixels.
  get brush() {
    return Number(byId("brush").value) / Math.min(1, this.view.scale);
  }

  resizeBrush(factor) {
    const brush = byId("brush"), size = Number(brush.value);
    brush.value = Math.max(1, Math.round(size * factor + (factor > 1 ? 0.5 : -0.5)));
    this.view.draw();
  }

  stroke(stroke, eventTime, ended) {
    const { strokes } = this.editor.state;
    this.drawing = ended ? null : stroke;
    this.pointer = stroke?.points.at(-1) ?? null;
    if (ended) {
      rememberColor(stroke.color);
      showColors((color) => this.setColor(color));
      this.editor.change({ strokes: [...strokes, stroke] }, { eventTime });
    } else {
      this.editor.follow(eventTime, stroke ? [...strokes, stroke] : strokes);
      this.view.drawOver();
    }
  }

  erase([y, x], reach, eventTime) {
    this.pointer = [y, x];
    this.view.drawOver();
    const { strokes } = this.editor.state;
    const left = strokes.filter(
      ({ points, width }) => !points.some((p, i) => near(p, points[i + 1] ?? p, y, x) < reach + width / 2),
    );
    if (left.length < strokes.length) this.editor.change({ strokes: left }, { merge: true, eventTime });
  }

  settle(anchor = null) {
    this.editor.document.history.settle();
    if (anchor !== null) this.anchors.ask(anchor);
  }

  // The pointer is at a place, with no button pressed, or has left (null).
  hover(place) {
    const inside = place && this.view.inside(place) ? place : null;
    this.pointer = inside;
    this.insight.hover(inside);
    if (this.editor.tool === "exemplar") this.example.hover(inside);
    this.view.drawOver();
  }

  overlay() {
    const { strokes, anchors } = this.editor.state, before = this.view.compare > 0;
    const rings = this.draws && (this.mode === "brush" || this.mode === "eraser");
    drawOverlay(this.view, {
      strokes: this.draws && byId("show-strokes").checked && !before ? strokes : [],
      drawing: this.drawing,
      anchors: this.editor.tool === "auto" && !before ? anchors ?? [] : [],
      chosen: this.anchors.chosen,
      insight: this.insight.shown,
      pointer: this.pointer && rings
        ? { place: this.pointer, radius: this.brush / 2, color: this.mode === "brush" && this.color }
        : null,
    });
  }
}
