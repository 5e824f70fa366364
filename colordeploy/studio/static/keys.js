// Everything has a key; the sheet in the page lists them.

const MODES = { b: "brush", e: "eraser", i: "picker", h: "hand" };
const STEP = 40; // pixels of the screen
const MOVES = {
  ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP],
};

export function attachKeys(act) {
  window.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea, dialog");
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      const command = { z: event.shiftKey ? act.redo : act.undo, y: act.redo, s: act.save, o: act.open }[key];
      if (command) {
        event.preventDefault();
        command();
      }
      return;
    }
    if (typing || event.altKey) return;
    if (MODES[key]) act.setMode(MODES[key]);
    else if (MOVES[key]) {
      act.move(...MOVES[key]);
      event.preventDefault();
    } else if (key === "[") act.brush(1 / 1.25);
    else if (key === "]") act.brush(1.25);
    else if (key === "+" || key === "=") act.zoom(1.25);
    else if (key === "-") act.zoom(1 / 1.25);
    else if (key === "0") act.fit();
    else if (key === "c" && !event.repeat) act.compare(true);
    else if (key === "a") act.affinities();
    else if (key === "n") act.anchor(event.shiftKey ? -1 : 1);
    else if (key === "PageUp" || key === "PageDown") {
      act.picture(key === "PageUp" ? -1 : 1);
      event.preventDefault();
    } else if (key === "?") act.help();
    else if (key === "Delete" || key === "Backspace") act.remove();
  });
  window.addEventListener("keyup", (event) => {
    if (event.key.toLowerCase() === "c") act.compare(false);
  });
}
