// The page: panels and keys, wired to the editor.

import { Anchors } from "./anchors.js";
import * as api from "./api.js";
import { kept } from "./autosave.js";
import { showPictureColors } from "./colors.js";
import { Document } from "./document.js";
import { byId, patient, say } from "./dom.js";
import { Drawing } from "./drawing.js";
import { Editor } from "./editor.js";
import { Example } from "./example.js";
import { attachFiles } from "./files.js";
import { Insight } from "./insight.js";
import { attachKeys } from "./keys.js";
import { Latency } from "./latency.js";
import { Styles } from "./styles.js";
import { Tabs } from "./tabs.js";
import { View } from "./view.js";

const LOST = "the connection is lost; what you draw stays here, trying again …";

const view = new View(byId("pixels"), byId("overlay"));
const latency = new Latency(byId("latency"));
const editor = new Editor(view, latency, { say, changed: show, opened, framed, connected });
const anchors = new Anchors(editor), styles = new Styles(editor), example = new Example(editor);
const insight = new Insight(editor), tabs = new Tabs(editor);
const drawing = new Drawing(editor, anchors, insight, example);
const files = attachFiles(editor, (file) => example.set(file));

// ---- What the editor tells

function opened(canvas) {
  anchors.chosen = -1;
  insight.put(null);
  if (drawing.anchored) anchors.showSamples();
  if (canvas.tool === "sketch") styles.showSheet();
  show(editor.state);
}

function framed() {
  showPalette();
}

const showPalette = patient(400, () =>
  showPictureColors(view.whole?.image, (color) => drawing.setColor(color)));

let lost = false; // the connection

async function connected(yes) {
  if (yes) {
    if (lost) say("connected again");
    lost = false;
    return;
  }
  lost = true;
  let message = LOST;
  try {
    await api.canvas(editor.canvas.id);
  } catch (error) { // a service that was started anew has another token, and says so
    if (error.status === 401) message = error.message;
  }
  if (!editor.live?.connected) say(message, true);
}

function show(state) {
  const { document } = editor, { history } = document;
  byId("undo").disabled = !history.canUndo;
  byId("redo").disabled = !history.canRedo;
  byId("save").disabled = byId("download").disabled = !document.file;
  byId("welcome").hidden = Boolean(document.file);
  byId("model").value = state.model;
  byId("size").value = state.size ?? "";
  byId("saturation").value = state.saturation * 100;
  for (const tool of ["exemplar", "sketch"]) byId(`panel-${tool}`).hidden = editor.tool !== tool;
  byId("panel-auto").hidden = !drawing.anchored;
  byId("panel-scribble").hidden = !drawing.draws;
  byId("title-scribble").textContent = editor.tool === "sketch" ? "Hints" : "Strokes";
  byId("affinities").parentElement.hidden = editor.tool !== "scribble";
  byId("clear").disabled = state.strokes.length === 0;
  tabs.show();
  anchors.show();
  styles.show();
  example.show();
  drawing.showMode();
  view.draw();
}

// ---- View and settings

byId("model").onchange = (event) => editor.change({ model: event.target.value });
byId("size").onchange = (event) => editor.change({ size: Number(event.target.value) || null });
byId("saturation").oninput = (event) =>
  editor.change({ saturation: Number(event.target.value) / 100 }, { merge: true });
byId("saturation").onchange = () => editor.document.history.settle();
byId("brush").oninput = () => view.draw();
byId("undo").onclick = () => editor.undo();
byId("redo").onclick = () => editor.redo();
byId("help").onclick = () => byId("keys").showModal();
byId("zoom-in").onclick = () => zoom(1.5);
byId("zoom-out").onclick = () => zoom(1 / 1.5);
byId("zoom-fit").onclick = fit;
byId("compare").oninput = (event) => compare(Number(event.target.value) / 100);

function compare(share) {
  view.compare = share;
  view.draw();
}

function zoom(factor) {
  view.zoom(factor);
  drawing.moved();
}

function fit() {
  if (!view.size) return;
  view.fit();
  drawing.moved();
}

// Who chose something with a pointer goes on at the picture: its keys work there, the space bar too.
for (const kind of ["click", "pointerup"]) {
  window.addEventListener(kind, ({ target, detail }) => {
    const button = kind === "click" && detail > 0 && target.closest?.("button:not([role=tab], #help)");
    const slider = kind === "pointerup" && target.matches?.("input[type=range]");
    if ((button || slider) && view.size && !byId("keys").open) byId("overlay").focus({ preventScroll: true });
  });
}

attachKeys({
  zoom, fit,
  save: files.save,
  open: files.open,
  setMode: (mode) => drawing.setMode(mode),
  undo: () => editor.undo(),
  redo: () => editor.redo(),
  help: () => byId("keys").showModal(),
  brush: (factor) => drawing.resizeBrush(factor),
  picture: (by) => tabs.step(by),
  affinities: () => byId("affinities").click(),
  compare: (on) => compare(on ? 1 : Number(byId("compare").value) / 100),
  anchor: (by) => anchors.step(by),
  remove: () => anchors.remove(),
  move: (x, y) => {
    if (!view.size) return;
    view.move(x, y);
    drawing.moved();
  },
});

let fitted = true; // a window that changes keeps a picture fitted that was
new ResizeObserver(() => {
  if (!view.size) return view.draw();
  if (fitted) fit();
  else {
    view.draw();
    drawing.moved();
  }
}).observe(byId("stage"));
view.onPlace = (whole) => { fitted = whole; };

document.addEventListener("visibilitychange", () => document.hidden && editor.saveNow());

// ---- Beginning

function showModels() {
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
}

async function start() {
  show(editor.state);
  try {
    editor.models = await api.models();
    showModels();
    const before = await kept(), first = await api.firstPicture();
    for (const one of before) editor.add(Document.from(one));
    const there = editor.documents.find((one) => first && one.name === first.name);
    const last = editor.documents[before.findIndex((one) => one.current)] ?? editor.documents[0];
    if (first && !there) await editor.open(first);
    else if (there ?? last) {
      await editor.select(there ?? last);
      say("what you had drawn is here again");
    } else show(editor.state);
  } catch (error) {
    say(error.message, true);
  }
}

window.studio = { editor, view, latency, insight, example }; // for tests, and for the curious
start();
