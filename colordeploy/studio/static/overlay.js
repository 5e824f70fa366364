// What lies over the picture: strokes as they were drawn, anchors with their colours.

import { hex } from "./panels.js";

export function drawOverlay(view, { strokes, showStrokes, anchors, chosen, drawing }) {
  const canvas = view.overlay, context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!view.size) return;
  view.place(context);
  if (showStrokes) for (const stroke of strokes) drawStroke(context, stroke);
  if (drawing) drawStroke(context, drawing);
  for (const [index, anchor] of (anchors ?? []).entries()) {
    drawAnchor(context, view, anchor, index === chosen);
  }
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

function drawAnchor(context, view, anchor, chosen) {
  const radius = (chosen ? 10 : 7) / view.scale;
  context.beginPath();
  context.arc(anchor.x + 0.5, anchor.y + 0.5, radius, 0, 2 * Math.PI);
  context.fillStyle = anchor.shown ?? hex(anchor.color ?? [128, 128, 128]);
  context.fill();
  for (const [style, width] of [["#000", 4], ["#fff", 2]]) {
    context.strokeStyle = style;
    context.lineWidth = width / view.scale;
    context.stroke();
  }
}
