// Hands on the picture: drawing, erasing, picking, anchors, moving, pinching.

const NEAR = 14; // pixels of the screen within which an anchor is taken

// host: { view, currentMode, brush, color, stroke(stroke, eventTime, ended), erase(place, reach, eventTime),
//         setColor(color), anchors, settle(anchor), hover(place), moved() }
export function attachPointer(element, host) {
  const { view } = host;
  const fingers = new Map();
  let drawing = null, dragging = null, dragged = false, panning = false, pinch = null, space = false;

  const reachOf = () => NEAR / view.scale;
  const placeOf = (event) => view.toPicture(event.clientX, event.clientY);

  function begin(event) {
    if (!view.size) return;
    element.focus({ preventScroll: true });
    if (event.isTrusted) element.setPointerCapture(event.pointerId); // the cursor's events are ours
    fingers.set(event.pointerId, event);
    if (fingers.size === 2) { // a second finger: what the first began is no stroke
      if (drawing) host.stroke(null);
      drawing = dragging = null;
      pinch = spread();
      return;
    }
    const place = placeOf(event);
    const mode = space || event.button === 1 ? "hand" : host.currentMode;
    panning = mode === "hand";
    if (panning) return;
    if (mode === "brush") {
      const pressure = event.pointerType === "pen" ? 0.4 + 1.2 * event.pressure : 1;
      drawing = { points: [place], color: host.color, width: Math.max(1, host.brush * pressure) };
      host.stroke(drawing, event.timeStamp, false);
    } else if (mode === "eraser") {
      drawing = "eraser";
      host.erase(place, Math.max(reachOf(), host.brush / 2), event.timeStamp);
    } else if (mode === "picker") {
      const color = view.colorAt(place);
      if (color) host.setColor(color);
    } else if (mode === "anchors" && view.inside(place)) {
      const index = host.anchors.at(place, reachOf());
      dragging = index >= 0 ? index : host.anchors.add(place, event.timeStamp);
      dragged = false;
      host.anchors.choose(dragging);
      view.draw();
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
    if (fingers.size === 0 && event.pointerType !== "touch") host.hover(view.size ? placeOf(event) : null);
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
    const place = placeOf(event);
    if (drawing === "eraser") host.erase(place, Math.max(reachOf(), host.brush / 2), event.timeStamp);
    else if (drawing) {
      const [first] = drawing.points;
      const all = event.getCoalescedEvents?.() ?? [];
      const places = (all.length ? all : [event]).map((e) => view.toPicture(e.clientX, e.clientY));
      const points = event.shiftKey ? [first, place] : [...drawing.points, ...places];
      drawing = { ...drawing, points };
      host.stroke(drawing, event.timeStamp, false);
    } else if (dragging !== null && view.inside(place)) {
      dragged = true;
      host.anchors.move(dragging, place, event.timeStamp);
    }
  }

  function end(event) {
    if (!fingers.delete(event.pointerId)) return;
    if (fingers.size < 2) pinch = null;
    if (drawing && drawing !== "eraser") host.stroke(drawing, event.timeStamp, true);
    else if (drawing === "eraser" || dragging !== null) host.settle(dragged ? dragging : null);
    drawing = dragging = null;
    panning = false;
  }

  element.addEventListener("pointerdown", begin);
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);
  element.addEventListener("pointerleave", () => fingers.size === 0 && host.hover(null));
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = element.getBoundingClientRect();
    view.zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
    host.moved();
  }, { passive: false });
  window.addEventListener("keydown", (event) => {
    if (event.code === "Space" && (event.target === element || event.target === document.body)) {
      space = true;
      element.classList.add("hand");
      event.preventDefault();
    }
  });
  window.addEventListener("keyup", (event) => {
    if (event.code === "Space") {
      space = false;
      element.classList.toggle("hand", host.currentMode === "hand");
    }
  });
}
