// Drawing without a pointer: Enter on the picture shows a cursor, arrows move it, space draws.

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const FAR = 12, NEAR = 2; // pixels of the screen; near with shift
const POINTER = 1_000_000; // an id that no device has

export class Cursor {
  // begin: where the cursor appears, in the element's pixels; null in its middle.
  constructor(element, said, begin) {
    this.element = element;
    this.said = said;
    this.begin = begin;
    this.place = null;
    this.down = false;
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("blur", () => this.leave());
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (!this.place) {
      if (event.key !== "Enter") return;
      this.place = this.begin() ?? [this.element.clientWidth / 2, this.element.clientHeight / 2];
      this.said("cursor: arrows move it, space draws and stops, Escape ends");
      this.emit("pointermove");
    } else if (STEPS[event.key]) {
      const far = event.shiftKey ? NEAR : FAR, sides = [this.element.clientWidth, this.element.clientHeight];
      this.place = this.place.map((v, i) => Math.min(sides[i] - 1, Math.max(0, v + far * STEPS[event.key][i])));
      this.emit("pointermove");
    } else if (event.key === " " || event.key === "Enter") {
      this.down = !this.down;
      this.emit(this.down ? "pointerdown" : "pointerup");
    } else if (event.key === "Escape") this.leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  leave() {
    if (!this.place) return;
    if (this.down) this.emit("pointerup");
    this.down = false;
    this.emit("pointerleave");
    this.place = null;
  }

  emit(type) {
    const box = this.element.getBoundingClientRect(), [x, y] = this.place;
    const where = { clientX: box.left + x, clientY: box.top + y };
    const how = { pointerId: POINTER, pointerType: "mouse", buttons: this.down ? 1 : 0 };
    this.element.dispatchEvent(new PointerEvent(type, { ...where, ...how, bubbles: true }));
  }
}
