// Anchors of the automatic tool: their colours, candidates, other results.

import * as api from "./api.js";
import { abOf, hex } from "./colors.js";
import { byId, say } from "./dom.js";
import { markChosen, sheet } from "./sheet.js";

const SAMPLES = 6;

export class Anchors {
  constructor(editor) {
    this.editor = editor;
    this.chosen = -1;
    byId("anchors-start").onclick = () =>
      editor.change({ anchors: editor.canvas.anchors, sample: 0 });
    byId("anchors-reset").onclick = () => editor.change({ anchors: null, sample: 0 });
    byId("anchor-remove").onclick = () => this.remove();
    byId("anchor-color").oninput = (event) => {
      const color = event.target.value;
      if (this.chosen >= 0) this.alter(this.chosen, { ab: abOf(color), shown: color }, { merge: true });
    };
    byId("anchor-color").onchange = () => editor.document.history.settle();
  }

  get list() {
    return this.editor.state.anchors ?? [];
  }

  at([y, x], reach) {
    const distances = this.list.map((a) => Math.hypot(a.y - y, a.x - x));
    const least = Math.min(...distances);
    return least < reach ? distances.indexOf(least) : -1;
  }

  // With the colour that is there; what the model thinks of the place comes a moment later.
  add([y, x], eventTime) {
    const color = this.editor.view.colorAt([y, x]) ?? "#808080";
    const anchors = [...this.list, { y, x, ab: abOf(color), shown: color, candidates: [] }];
    this.editor.change({ anchors, sample: 0 }, { merge: true, eventTime });
    this.ask(anchors.length - 1);
    return anchors.length - 1;
  }

  move(index, [y, x], eventTime) {
    this.alter(index, { y, x }, { merge: true, eventTime });
  }

  alter(index, change, options) {
    const anchors = this.list.map((a, i) => (i === index ? { ...a, ...change } : a));
    this.editor.change({ anchors }, options);
  }

  // The one after (or before) the chosen one, for hands without a pointer.
  step(by) {
    const { editor } = this;
    if (editor.tool !== "auto" || !editor.canvas?.anchors?.length) return;
    if (!editor.state.anchors) byId("anchors-start").click();
    const count = this.list.length, from = this.chosen < 0 && by < 0 ? 0 : this.chosen;
    this.choose((from + by + count) % count);
    editor.view.draw();
    const { shown, color } = this.list[this.chosen];
    say(`anchor ${this.chosen + 1} of ${count}, ${shown ?? hex(color)}: Enter and space take it, Delete removes it`);
  }

  remove() {
    if (this.chosen < 0) return;
    const anchors = this.list.filter((_, index) => index !== this.chosen);
    this.chosen = -1;
    this.editor.change({ anchors: anchors.length ? anchors : null });
  }

  // Candidates for where the anchor is now: no step of the history, and no change of its colour.
  async ask(index) {
    const { document } = this.editor, asked = this.list[index];
    if (!asked || !document.canvas) return;
    try {
      const { candidates } = await api.anchor(document.canvas.id, asked.y, asked.x);
      const there = (a) => a.y === asked.y && a.x === asked.x;
      if (!document.state.anchors?.some(there)) return;
      const anchors = document.state.anchors.map((a) => (there(a) ? { ...a, candidates } : a));
      document.history.amend({ anchors });
      if (document === this.editor.document) this.show();
    } catch { /* the anchor works without them */ }
  }

  choose(index) {
    this.chosen = index;
    this.show();
  }

  show() {
    const { state, canvas } = this.editor, anchor = this.list[this.chosen];
    if (!anchor) this.chosen = -1;
    byId("anchors-start").disabled = Boolean(state.anchors) || !canvas;
    byId("anchors-reset").disabled = !state.anchors && !state.sample;
    byId("anchor-color").disabled = byId("anchor-remove").disabled = !anchor;
    byId("candidates-none").hidden = Boolean(anchor?.candidates?.length);
    const box = byId("candidates"), focused = [...box.children].indexOf(document.activeElement);
    box.replaceChildren(
      ...(anchor?.candidates ?? []).map((candidate) => this.button(candidate, anchor)),
    );
    box.children[focused]?.focus();
    markChosen("samples", ({ sample }) => !state.anchors && state.sample === sample);
  }

  button({ ab, color, probability }, anchor) {
    const button = document.createElement("button"), swatch = document.createElement("span");
    const share = `${(100 * probability).toFixed(probability < 0.1 ? 1 : 0)} %`;
    swatch.style.background = hex(color);
    button.append(swatch, share);
    button.setAttribute("aria-label", `colour ${hex(color)}, ${share} probable`);
    button.setAttribute("aria-pressed", String(ab[0] === anchor.ab[0] && ab[1] === anchor.ab[1]));
    button.onclick = () => this.alter(this.chosen, { ab, color, shown: undefined });
    return button;
  }

  showSamples() {
    const { editor } = this;
    const entries = Array.from({ length: SAMPLES }, (_, sample) => ({
      label: sample ? `other result ${sample}` : "the model's own",
      changes: { sample, anchors: null },
    }));
    sheet("samples", entries, (changes) => editor.thumbnail(changes), (c) => editor.change(c));
  }
}
