// Hands on the picture: drawing, erasing, picking, anchors, moving, pinching.

const NEAR = 14; // pixels of the screen within which an anchor is taken

// host: { view, mode(), state(), brush(), color(), stroke(stroke, eventTime, ended), erase(place,
//         reach), pick(color), anchorAt(place, reach), addAnchor(place), moveAnchor(index, place,
//         ended), chooseAnchor(index), moved() }
export function attachPointer(element, host) {
  const { view } = host;
  const fingers = new Map();
  let drawing = null, dragging = null, panning = false, pinch = null, space = false;

  const reachOf = () => NEAR / view.scale;

  function begin(event) {
    if (!view.size) return;
    element.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    if (fingers.size === 2) { // a second finger: what the first began is no stroke
      if (drawing) host.stroke(null);
      drawing = dragging = null;
      pinch = spread();
      return;
    }
    const place = view.toPicture(event.clientX, event.clientY);
    const mode = space || event.button === 1 ? "hand" : host.mode();
    panning = mode === "hand";
    if (panning) return;
    if (mode === "brush") {
      const pressure = event.pointerType === "pen" ? 0.4 + 1.2 * event.pressure : 1;
      drawing = { points: [place], color: host.color(), width: Math.max(1, host.brush() * pressure) };
      host.stroke(drawing, event.timeStamp, false);
    } else if (mode === "eraser") {
      drawing = "eraser";
      host.erase(place, Math.max(reachOf(), host.brush() / 2));
    } else if (mode === "picker") {
      const color = view.colorAt(place);
      if (color) host.pick(color);
    } else if (mode === "anchors" && view.inside(place)) {
      const index = host.anchorAt(place, reachOf());
      dragging = index >= 0 ? index : host.addAnchor(place, event.timeStamp);
      host.chooseAnchor(dragging);
    }
  }

  function spread() {
    const [a, b] = [...fingers.values()];
    return {
      distance: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
      x: (a.clientX + b.clientX) / 2,
      y: (a.clientY + b.clientY) / 2,
    };
  }

  function move(event) {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    fingers.set(event.pointerId, event);
    if (pinch && fingers.size === 2) {
      const now = spread(), box = element.getBoundingClientRect();
      view.move(now.x - pinch.x, now.y - pinch.y);
      view.zoom(now.distance / pinch.distance, now.x - box.left, now.y - box.top);
      pinch = now;
      host.moved();
      return;
    }
    if (panning) {
      view.move(event.clientX - before.clientX, event.clientY - before.clientY);
      host.moved();
      return;
    }
    const place = view.toPicture(event.clientX, event.clientY);
    if (drawing === "eraser") host.erase(place, Math.max(reachOf(), host.brush() / 2));
    else if (drawing) {
      const [first] = drawing.points;
      const all = event.getCoalescedEvents?.() ?? [];
      const places = (all.length ? all : [event]).map((e) => view.toPicture(e.clientX, e.clientY));
      const points = event.shiftKey ? [first, place] : [...drawing.points, ...places];
      drawing = { ...drawing, points };
      host.stroke(drawing, event.timeStamp, false);
    } else if (dragging !== null && view.inside(place)) {
      host.moveAnchor(dragging, place, event.timeStamp, false);
    }
  }

  function end(event) {
    if (!fingers.delete(event.pointerId)) return;
    if (fingers.size < 2) pinch = null;
    if (drawing && drawing !== "eraser") host.stroke(drawing, event.timeStamp, true);
    else if (drawing === "eraser" || dragging !== null) host.settle();
    drawing = dragging = null;
    panning = false;
  }

  element.addEventListener("pointerdown", begin);
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = element.getBoundingClientRect();
    view.zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
    host.moved();
  }, { passive: false });
  window.addEventListener("keydown", (event) => {
    if (event.code === "Space" && event.target === element) {
      space = true;
      element.classList.add("hand");
      event.preventDefault();
    }
  });
  window.addEventListener("keyup", (event) => {
    if (event.code === "Space") {
      space = false;
      element.classList.toggle("hand", host.mode() === "hand");
    }
  });
}
