// Styles of line art: a contact sheet, and mixtures of two.

import { byId } from "./dom.js";
import { markChosen, sheet } from "./sheet.js";

const SHEET = 12;

const named = (style) =>
  style === null ? "its own" : typeof style === "number" ? `style ${style}` : "a mixture";

export class Styles {
  constructor(editor) {
    this.editor = editor;
    this.first = 0;
    this.ends = null; // { from, to } of the slider
    byId("more-styles").onclick = () => this.turn(SHEET);
    byId("fewer-styles").onclick = () => this.turn(-SHEET);
    byId("mix").oninput = (event) => this.mix(Number(event.target.value) / 100);
    byId("mix").onchange = () => editor.document.history.settle();
    byId("flat").onchange = (event) => editor.change({ flat: event.target.checked });
  }

  turn(by) {
    this.first = Math.max(0, this.first + by);
    this.showSheet();
    this.show();
  }

  showSheet() {
    const { editor } = this;
    const entries = Array.from({ length: SHEET }, (_, index) => {
      const style = this.first + index || null;
      return { label: style ? `style ${style}` : "the drawing's own style", changes: { style } };
    });
    sheet("styles", entries, (changes) => editor.thumbnail(changes), ({ style }) => this.choose(style));
    byId("fewer-styles").disabled = this.first === 0;
  }

  choose(style) {
    this.ends = { from: this.editor.state.style, to: style };
    this.editor.change({ style });
  }

  mix(share) {
    if (!this.ends) return;
    const { from, to } = this.ends;
    const style = share === 1 ? to : share === 0 ? from : { from, to, share };
    this.editor.change({ style }, { merge: true });
  }

  show() {
    const { style, flat } = this.editor.state;
    if (style?.share !== undefined) this.ends = { from: style.from, to: style.to };
    else if (this.ends && style !== this.ends.from && style !== this.ends.to) this.ends = null;
    const mix = byId("mix"), { ends } = this;
    mix.disabled = !ends || ends.from === ends.to;
    mix.value = mix.disabled ? 100 : 100 * (style?.share ?? (style === ends.to ? 1 : 0));
    byId("mix-ends").textContent = mix.disabled
      ? "Click two styles, then mix them here." : `From ${named(ends.from)} to ${named(ends.to)}`;
    byId("flat").checked = flat;
    markChosen("styles", (changes) => changes.style === style);
  }
}
