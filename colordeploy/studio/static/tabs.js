// Several pictures at once: a tab each.

import { byId, say } from "./dom.js";

export class Tabs {
  constructor(editor) {
    this.editor = editor;
    this.list = byId("tabs");
    byId("tab-close").onclick = () => this.close();
    this.list.addEventListener("keydown", (event) => this.key(event));
  }

  show() {
    const { documents, document: current } = this.editor;
    const focused = this.list.contains(document.activeElement);
    this.list.replaceChildren(
      ...documents.map((one) => {
        const tab = document.createElement("button");
        const chosen = one === current;
        tab.setAttribute("role", "tab");
        tab.setAttribute("aria-selected", String(chosen));
        tab.setAttribute("aria-controls", "stage");
        tab.tabIndex = chosen ? 0 : -1;
        tab.textContent = tab.title = one.name || "picture";
        tab.onclick = () => this.editor.select(one);
        return tab;
      }),
    );
    byId("tab-close").disabled = documents.length === 0;
    const chosen = this.list.querySelector("[aria-selected=true]");
    if (focused) chosen?.focus();
    if (chosen) this.list.scrollLeft = Math.max(0, chosen.offsetLeft + chosen.offsetWidth - this.list.clientWidth);
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) this.step(step);
    else if (event.key === "Delete") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // The picture before or after.
  step(by) {
    const { documents, document: current } = this.editor;
    const next = documents[documents.indexOf(current) + by];
    if (next) this.editor.select(next);
  }

  // What was drawn can be had back until the next one is closed.
  async close() {
    const { editor } = this, closed = editor.document;
    if (!closed.file) return;
    await editor.close(closed);
    const back = () => {
      editor.add(closed);
      editor.keep(closed);
      editor.select(closed);
    };
    say(`${closed.name} is closed`, false, { label: "Open it again", run: back });
  }
}
