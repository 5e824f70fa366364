// The page: elements and keys, wired to the editor.

import * as api from "./api.js";
import { kept } from "./autosave.js";
import { Editor } from "./editor.js";
import { attachKeys } from "./keys.js";
import { Latency } from "./latency.js";
import { drawOverlay } from "./overlay.js";
import { abOf, candidates, colorSwatches, rememberColor, sheet } from "./panels.js";
import { attachPointer } from "./pointer.js";
import { download, isZip, packed, unpacked } from "./project.js";
import { View } from "./view.js";

const byId = (id) => document.getElementById(id);
const view = new View(byId("pixels"), byId("overlay"));
const latency = new Latency(byId("latency"));
let mode = "brush", chosen = -1, drawing = null, firstStyle = 0, mixed = null;

const editor = new Editor(view, latency, {
  say,
  changed: show,
  opened: (canvas) => {
    chosen = -1;
    if (anchored()) showSamples();
    if (canvas.tool === "sketch") showStyles();
    show(editor.state);
  },
  connected: (yes) => {
    if (!yes) say("the connection is lost; what you draw stays here, trying again …", true);
    else if (byId("status").textContent.startsWith("the connection")) say("connected again");
  },
});

function say(message, bad = false) {
  byId("status").textContent = message;
  byId("status").classList.toggle("error", bad);
}

function show(state) {
  byId("undo").disabled = !editor.history.canUndo;
  byId("redo").disabled = !editor.history.canRedo;
  byId("save").disabled = byId("download").disabled = !editor.file;
  byId("welcome").hidden = Boolean(editor.file);
  byId("model").value = state.model;
  byId("size").value = state.size ?? "";
  byId("saturation").value = state.saturation * 100;
  byId("flat").checked = state.flat;
  for (const tool of ["scribble", "auto", "exemplar", "sketch"]) {
    byId(`panel-${tool}`).hidden = editor.tool !== tool;
  }
  byId("panel-auto").hidden = !anchored();
  byId("panel-scribble").hidden = !draws();
  byId("title-scribble").textContent = editor.tool === "sketch" ? "Hints" : "Strokes";
  const anchor = state.anchors?.[chosen];
  if (!anchor) chosen = -1;
  candidates(anchor, ({ ab, color }) => recolor(chosen, { ab, color, shown: undefined }));
  byId("anchors-start").disabled = Boolean(state.anchors) || !editor.canvas;
  byId("anchors-reset").disabled = !state.anchors && !state.sample;
  const example = byId("example");
  if (editor.example && example.file !== editor.example) {
    URL.revokeObjectURL(example.src);
    example.file = editor.example;
    example.src = URL.createObjectURL(editor.example);
  }
  example.hidden = !editor.example;
  view.draw();
}

view.onDraw = () => {
  const { strokes, anchors } = editor.state;
  drawOverlay(view, {
    strokes: draws() ? strokes : [],
    showStrokes: byId("show-strokes").checked && view.compare === 0,
    anchors: editor.tool === "auto" && view.compare === 0 ? anchors : null,
    chosen,
    drawing,
  });
};

// ---- Files

async function open(file) {
  try {
    if (await isZip(file)) {
      const project = await unpacked(file);
      await editor.open(project.picture, project.state, project.example);
    } else await editor.open(file);
  } catch (error) {
    say(error.message, true);
  }
}

function choose(then) {
  const input = byId("file");
  input.value = "";
  input.onchange = () => input.files[0] && then(input.files[0]);
  input.click();
}

async function setExample(file) {
  try {
    await editor.setExample(file);
  } catch (error) {
    say(error.message, true);
  }
}

async function save() {
  if (!editor.file) return;
  const name = editor.file.name.replace(/\.[^.]*$/, "");
  download(await packed(editor.file, editor.example, editor.state), `${name}.studio.zip`);
  say("the project is saved: picture, strokes, settings");
}

async function downloadAs(format) {
  const suffix = { jpeg: "jpg", tiff16: "tif", png16: "png" }[format] ?? format;
  say("making the picture …");
  try {
    const blob = await editor.result(format);
    download(blob, `${editor.file.name.replace(/\.[^.]*$/, "")}.coloured.${suffix}`);
    say(`downloaded, ${(blob.size / 1e6).toFixed(1)} MB`);
  } catch (error) {
    say(error.message, true);
  }
}

byId("open").onclick = byId("welcome-open").onclick = () => choose(open);
byId("choose-example").onclick = () => choose(setExample);
byId("save").onclick = save;
byId("download").onchange = (event) => {
  const format = event.target.value;
  event.target.value = "";
  if (format) downloadAs(format);
};
window.addEventListener("dragover", (event) => event.preventDefault());
window.addEventListener("drop", (event) => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (!file) return;
  const onPanel = event.target.closest?.("#panel-exemplar");
  if (onPanel && editor.file) setExample(file);
  else open(file);
});
window.addEventListener("paste", (event) => {
  const [file] = event.clipboardData.files;
  if (file) open(file);
});

// ---- Drawing

function setMode(next) {
  mode = next;
  for (const button of document.querySelectorAll("[data-mode]")) {
    button.setAttribute("aria-checked", String(button.dataset.mode === next));
  }
  byId("overlay").classList.toggle("hand", currentMode() === "hand");
}

// An imported network colours by itself and has no anchors.
const anchored = () => editor.tool === "auto" && editor.canvas?.anchors?.length !== 0;

// Strokes colour photos, and are hints for the regions of line art.
const draws = () => editor.tool === "scribble" || editor.tool === "sketch";

function currentMode() {
  if (draws()) return mode;
  return anchored() && mode !== "hand" ? "anchors" : "hand";
}

function setColor(color) {
  byId("color").value = color;
  rememberColor(color);
  colorSwatches(setColor);
}

let waiting;
const moved = () => { // the view: pixels follow when it rests
  clearTimeout(waiting);
  waiting = setTimeout(() => editor.follow(), 80);
};

function recolor(index, change, merge = false) {
  const anchors = editor.state.anchors.map((a, i) => (i === index ? { ...a, ...change } : a));
  editor.change({ anchors }, { merge });
}

attachPointer(byId("overlay"), {
  view,
  mode: currentMode,
  brush: () => Number(byId("brush").value) / Math.min(1, view.scale),
  color: () => byId("color").value,
  moved,
  pick: setColor,
  stroke(stroke, eventTime, ended) {
    drawing = ended ? null : stroke;
    if (ended) {
      rememberColor(stroke.color);
      editor.change({ strokes: [...editor.state.strokes, stroke] }, { eventTime });
    } else {
      editor.follow(eventTime, stroke ? [...editor.state.strokes, stroke] : editor.state.strokes);
      view.draw();
    }
  },
  erase([y, x], reach) {
    const strokes = editor.state.strokes.filter(
      ({ points, width }) => !points.some((p, i) => near(p, points[i + 1] ?? p, y, x) < reach + width / 2),
    );
    if (strokes.length < editor.state.strokes.length) editor.change({ strokes }, { merge: true });
  },
  settle: () => editor.history.settle(),
  anchorAt([y, x], reach) {
    const anchors = editor.state.anchors ?? [];
    const distances = anchors.map((a) => Math.hypot(a.y - y, a.x - x));
    const least = Math.min(...distances);
    return least < reach ? distances.indexOf(least) : -1;
  },
  addAnchor([y, x], eventTime) {
    const color = byId("anchor-color").value;
    const anchors = [...(editor.state.anchors ?? []), { y, x, ab: abOf(color), shown: color, candidates: [] }];
    editor.change({ anchors, sample: 0 }, { merge: true, eventTime });
    return anchors.length - 1;
  },
  moveAnchor(index, [y, x], eventTime) {
    const anchors = editor.state.anchors.map((a, i) => (i === index ? { ...a, y, x } : a));
    editor.change({ anchors }, { merge: true, eventTime });
  },
  chooseAnchor(index) {
    chosen = index;
    show(editor.state);
  },
});

function near([y0, x0], [y1, x1], y, x) {
  const length = (y1 - y0) ** 2 + (x1 - x0) ** 2;
  const along = length ? ((y - y0) * (y1 - y0) + (x - x0) * (x1 - x0)) / length : 0;
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(y - y0 - t * (y1 - y0), x - x0 - t * (x1 - x0));
}

for (const button of document.querySelectorAll("[data-mode]")) {
  button.onclick = () => setMode(button.dataset.mode);
}
byId("color").onchange = (event) => setColor(event.target.value);
byId("show-strokes").onchange = () => view.draw();
byId("clear").onclick = () => editor.state.strokes.length && editor.change({ strokes: [] });

// ---- Anchors, samples, styles

byId("anchors-start").onclick = () => editor.change({ anchors: editor.canvas.anchors, sample: 0 });
byId("anchors-reset").onclick = () => editor.change({ anchors: null, sample: 0 });
byId("anchor-color").oninput = (event) => {
  const color = event.target.value;
  if (chosen >= 0) recolor(chosen, { ab: abOf(color), shown: color }, true);
};
byId("anchor-color").onchange = () => editor.history.settle();

function showSamples() {
  const entries = [0, 1, 2, 3].map((sample) => ({
    label: sample ? `other result ${sample}` : "the model's own",
    changes: { sample, anchors: null },
  }));
  const same = (changes) => !editor.state.anchors && editor.state.sample === changes.sample;
  sheet("samples", entries, (changes) => editor.thumbnail(changes), (c) => editor.change(c), same);
}

function showStyles() {
  const seeds = Array.from({ length: 8 }, (_, index) => firstStyle + index);
  const entries = seeds.map((seed) => ({
    label: seed ? `style ${seed}` : "the drawing's own style",
    changes: { style: seed || null },
  }));
  const same = (changes) => editor.state.style === changes.style;
  sheet("styles", entries, (changes) => editor.thumbnail(changes), chooseStyle, same);
}

async function chooseStyle({ style }) {
  mixed = { from: editor.state.style, to: style };
  byId("mix").value = 100;
  byId("mix").disabled = false;
  editor.change({ style });
}

byId("more-styles").onclick = () => {
  firstStyle += 8;
  showStyles();
};
byId("mix").oninput = (event) => {
  if (!mixed) return;
  const share = Number(event.target.value) / 100;
  const style = share === 1 ? mixed.to : { from: mixed.from, to: mixed.to, share };
  editor.change({ style }, { merge: true });
};
byId("mix").onchange = () => editor.history.settle();
byId("flat").onchange = (event) => editor.change({ flat: event.target.checked });

// ---- View and settings

byId("model").onchange = (event) => editor.change({ model: event.target.value });
byId("size").onchange = (event) => editor.change({ size: Number(event.target.value) || null });
byId("saturation").oninput = (event) =>
  editor.change({ saturation: Number(event.target.value) / 100 }, { merge: true });
byId("saturation").onchange = () => editor.history.settle();
byId("undo").onclick = () => editor.undo();
byId("redo").onclick = () => editor.redo();
byId("help").onclick = () => byId("keys").showModal();
byId("zoom-in").onclick = () => zoom(1.5);
byId("zoom-out").onclick = () => zoom(1 / 1.5);
byId("zoom-fit").onclick = fit;
byId("compare").oninput = (event) => {
  view.compare = Number(event.target.value) / 100;
  view.draw();
};

function zoom(factor) {
  view.zoom(factor);
  moved();
}

function fit() {
  if (!view.size) return;
  view.fit();
  moved();
}

attachKeys({
  setMode, zoom, fit, save,
  undo: () => editor.undo(),
  redo: () => editor.redo(),
  open: () => choose(open),
  help: () => byId("keys").showModal(),
  brush: (factor) => {
    const brush = byId("brush");
    brush.value = Math.max(1, Math.round(Number(brush.value) * factor + (factor > 1 ? 0.5 : -0.5)));
  },
  move: (x, y) => {
    if (!view.size) return;
    view.move(x, y);
    moved();
  },
  compare: (on) => {
    view.compare = on ? 1 : Number(byId("compare").value) / 100;
    view.draw();
  },
  remove: () => {
    if (chosen < 0) return;
    const anchors = editor.state.anchors.filter((_, index) => index !== chosen);
    chosen = -1;
    editor.change({ anchors: anchors.length ? anchors : null });
  },
});
new ResizeObserver(() => {
  view.draw();
  if (view.size) moved();
}).observe(byId("stage"));

// ---- Beginning

async function start() {
  colorSwatches(setColor);
  try {
    editor.models = await api.models();
    const groups = { photo: "Photos", drawing: "Line art" };
    byId("model").replaceChildren(
      ...Object.entries(groups).map(([subject, label]) => {
        const group = document.createElement("optgroup");
        group.label = label;
        for (const { name, summary } of editor.models.filter((m) => m.subject === subject)) {
          group.append(new Option(`${name}: ${summary}`, name));
        }
        return group;
      }),
    );
    byId("model").disabled = false;
    show(editor.state);
    const first = await api.firstPicture();
    const before = await kept();
    if (before && (!first || before.picture.name === first.name)) {
      await editor.open(before.picture, before.state, before.example);
      say("what you had drawn is here again");
    } else if (first) await editor.open(first);
  } catch (error) {
    say(error.message, true);
  }
}

window.studio = { editor, view, latency }; // for tests, and for the curious
start();
