// What lies over the picture: strokes as they were drawn, anchors, what is under the pointer.

import { hex } from "./colors.js";

// shown: { strokes, drawing, anchors, chosen, insight, pointer: { place, radius, color } }
export function drawOverlay(view, shown) {
  const canvas = view.overlay, context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!view.size) return;
  view.place(context);
  if (shown.insight) view.put(context, shown.insight);
  for (const stroke of shown.strokes) drawStroke(context, stroke);
  if (shown.drawing) drawStroke(context, shown.drawing);
  for (const [index, anchor] of shown.anchors.entries()) {
    drawAnchor(context, view, anchor, index === shown.chosen);
  }
  if (shown.pointer) drawPointer(context, view, shown.pointer);
}

function drawStroke(context, { points, color, width }) {
  context.strokeStyle = context.fillStyle = color;
  context.lineWidth = width;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  const [[y, x], ...rest] = points;
  context.moveTo(x + 0.5, y + 0.5);
  for (const [down, across] of rest) context.lineTo(across + 0.5, down + 0.5);
  if (rest.length) context.stroke();
  else {
    context.arc(x + 0.5, y + 0.5, width / 2, 0, 2 * Math.PI);
    context.fill();
  }
}

function circle(context, [y, x], radius) {
  context.beginPath();
  context.arc(x + 0.5, y + 0.5, radius, 0, 2 * Math.PI);
}

function ring(context, view, colors) {
  for (const [style, width] of colors) {
    context.strokeStyle = style;
    context.lineWidth = width / view.scale;
    context.stroke();
  }
}

function drawAnchor(context, view, anchor, chosen) {
  circle(context, [anchor.y, anchor.x], (chosen ? 10 : 7) / view.scale);
  context.fillStyle = anchor.shown ?? hex(anchor.color ?? [128, 128, 128]);
  context.fill();
  ring(context, view, [["#000", 4], ["#fff", 2]]);
}

// As large as the brush.
function drawPointer(context, view, { place, radius, color }) {
  circle(context, place, Math.max(radius, 2 / view.scale));
  ring(context, view, [["#000", 3], ["#fff", 1.5], ...(color ? [[color, 1]] : [])]);
}
