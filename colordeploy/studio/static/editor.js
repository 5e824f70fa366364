// The pictures that are open, one of them in hand: canvases of the service, colours that follow.

import * as api from "./api.js";
import { forget, keepFiles, keepState } from "./autosave.js";
import { patient } from "./dom.js";
import { Document } from "./document.js";
import { Live } from "./live.js";

export class Editor {
  // told: { say(message, bad), changed(state), opened(canvas), framed(), connected(yes) }
  constructor(view, latency, told) {
    this.view = view;
    this.latency = latency;
    this.told = told;
    this.models = [];
    this.documents = [];
    this.document = new Document(); // nothing is open
    this.preparingFor = null;
    this.generation = 0; // a canvas that is prepared for an older one is dropped
    this.save = patient(300, () => this.saveNow());
    this.rested = patient(150, (strokes) => strokes && this.follow(undefined, strokes));
  }

  get state() {
    return this.document.state;
  }

  get canvas() {
    return this.document.canvas;
  }

  get tool() {
    return this.models.find((model) => model.name === this.state.model)?.tool ?? "scribble";
  }

  // ---- Tabs

  // An error leaves what is open as it is.
  async open(file, state = null, example = null) {
    this.told.say(`opening ${file.name} …`);
    const picture = await api.addPicture(file);
    const { model } = this.state;
    const document = new Document(file, { model, ...state }, example);
    document.picture = picture;
    this.documents.push(document);
    this.keep(document);
    await this.select(document);
  }

  // A document that was kept, or closed a moment ago; its picture is sent when it is looked at.
  add(document) {
    this.documents.push(document);
  }

  async select(document) {
    if (document === this.document && this.live) return;
    this.leave();
    this.document = document;
    this.told.changed(this.state);
    if (!document.file) return this.view.clear();
    try {
      document.picture ??= await this.patiently(() => api.addPicture(document.file));
    } catch (error) {
      this.told.say(error.message, true);
    }
    if (document !== this.document || !document.picture) return;
    this.view.open(document.picture.height, document.picture.width, document.sight);
    if (!document.sight) this.firstSight(document);
    this.save();
    if (document.ready) this.connect();
    else await this.prepare();
  }

  // The browser's own reading of the file, until the service has looked at it.
  async firstSight(document) {
    const { width, height } = document.picture;
    try {
      const image = await createImageBitmap(document.file);
      if (document === this.document && image.width === width && image.height === height) {
        this.view.showBefore(image, true);
      }
    } catch { /* a format that browsers do not read */ }
  }

  leave() {
    this.generation += 1;
    this.preparingFor = null;
    this.preparing?.abort();
    clearTimeout(this.later);
    this.live?.close();
    this.live = null;
    if (this.document.file && this.view.size) this.document.sight = this.view.sight;
  }

  async close(document) {
    const place = this.documents.indexOf(document);
    if (place < 0) return;
    this.documents.splice(place, 1);
    forget(document.id).catch(() => {});
    const next = this.documents[Math.min(place, this.documents.length - 1)];
    if (document === this.document) await this.select(next ?? new Document());
    api.release("canvases", document.canvas?.id);
    api.release("pictures", document.picture?.id);
    document.canvas = document.picture = document.exampleId = document.sight = null;
    this.told.changed(this.state);
  }

  // ---- The canvas

  get aim() {
    return `${this.document.id} ${this.state.model} ${this.state.size}`;
  }

  // A canvas for the model and size of the state. What is drawn stays, whatever happens.
  async prepare() {
    const generation = (this.generation += 1), { document } = this;
    this.preparing?.abort();
    this.preparing = new AbortController();
    const { signal } = this.preparing;
    this.live?.close();
    this.live = null;
    const { model, size } = this.state;
    this.preparingFor = this.aim;
    this.told.say(`preparing for ${model} …`);
    const started = performance.now();
    try {
      const canvas = await this.again(document, () =>
        api.addCanvas({ picture: document.picture.id, model, ...(size ? { size } : {}) }, signal),
      );
      if (this.tool === "exemplar") await this.sendExample(document);
      if (generation !== this.generation) {
        api.release("canvases", canvas.id);
        return;
      }
      api.release("canvases", document.canvas?.id);
      document.canvas = { ...canvas, model, size };
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      this.told.say(`${canvas.width} × ${canvas.height} pixels, prepared in ${seconds} s`);
      this.connect();
    } catch (error) {
      if (generation !== this.generation || error.name === "AbortError") return;
      if (error.status !== 0) {
        this.preparingFor = null; // the next change tries again
        this.told.say(error.message, true);
      } else {
        this.told.say(`${error.message}; what you draw stays here, trying again …`, true);
        this.later = setTimeout(() => this.prepare(), 2000);
      }
    }
  }

  connect() {
    this.preparingFor = null;
    const { document, canvas } = this;
    this.live = new Live(canvas.id, {
      frame: (header, data) => this.frame(header, data),
      error: (message) => this.told.say(message, true),
      gone: () => this.prepare(),
      state: (connected) => this.told.connected(connected),
    });
    this.told.opened(canvas);
    this.follow();
    if (this.view.before && !this.view.before.provisional) return;
    const size = Math.min(1024, canvas.width, canvas.height);
    api.render(canvas.id, null, "png", { size })
      .then(createImageBitmap)
      .then((image) => document === this.document && this.view.showBefore(image))
      .catch(() => {});
  }

  // Work that waits for a service that does not answer.
  async patiently(work) {
    const { document } = this;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (error.status !== 0 || document !== this.document) throw error;
        this.told.say(`${error.message}; trying again …`, true);
        await new Promise((resolve) => setTimeout(resolve, 2000));
      }
    }
  }

  // Work that needs the picture at the service: when it has left, it is sent again.
  async again(document, work) {
    try {
      return await work();
    } catch (error) {
      if (error.status !== 410 && error.status !== 404) throw error;
      document.picture = await api.addPicture(document.file);
      document.exampleId = null;
      return work();
    }
  }

  async sendExample(document) {
    if (document.example && !document.exampleId) {
      document.exampleId = (await api.addPicture(document.example)).id;
    }
  }

  async setExample(file) {
    const { document } = this;
    const held = await api.addPicture(file);
    document.example = file;
    document.exampleId = held.id;
    this.keep(document);
    this.told.changed(this.state);
    if (document === this.document) this.follow();
  }

  frame(header, data) {
    this.view.show(header, data);
    const { eventTime } = header;
    if (eventTime !== undefined) this.view.painted.push(() => this.latency.seen(eventTime));
    this.told.framed();
  }

  // ---- What is drawn

  // `eventTime`: of the pointer event behind the change.
  change(changes, { merge = false, eventTime } = {}) {
    this.document.history.push(changes, merge);
    this.changed(eventTime);
  }

  undo() {
    this.document.history.undo();
    this.changed();
  }

  redo() {
    this.document.history.redo();
    this.changed();
  }

  changed(eventTime) {
    this.told.changed(this.state);
    this.save();
    if (!this.document.file) return;
    if (!this.document.ready) {
      if (this.preparingFor !== this.aim) this.prepare();
    } else if (this.live) this.follow(eventTime);
    else { // back to the canvas that there is, from one that is prepared or could not be
      this.leave();
      this.connect();
    }
  }

  // A stroke that is still being drawn is shown, but is no step of the history yet. What a hand does
  // (there is an event's time) is answered by a draft, which comes several times as often. All pixels
  // follow when it rests.
  follow(eventTime, strokes = this.state.strokes) {
    this.rested(null);
    if (!this.live || !this.view.size) return;
    const { view } = this, { saturation } = this.state;
    view.keeps = this.tool === "sketch" ? "lines" : "luma";
    const draft = eventTime !== undefined && view.blends;
    if (draft) this.rested(strokes);
    const wanted = draft ? view.wantedSoon() : view.wanted();
    this.live.send(this.guidance(this.state, strokes), { ...wanted, saturation }, eventTime);
  }

  guidance(state, strokes = state.strokes) {
    const { exampleId } = this.document;
    if (this.tool === "scribble") return { strokes };
    if (this.tool === "exemplar") return exampleId ? { reference: exampleId } : null;
    if (this.tool === "sketch") return { style: state.style, flat: state.flat, hints: strokes };
    if (this.canvas?.anchors?.length === 0) return {}; // an imported network has one result
    if (!state.anchors) return { sample: state.sample };
    return { anchors: state.anchors.map(({ y, x, ab }) => ({ y, x, ab })) };
  }

  // A small picture of another result, for sheets: guidance with some parts replaced.
  thumbnail(changes) {
    const guidance = this.guidance({ ...this.state, ...changes });
    return api.render(this.canvas.id, guidance, "jpeg", { size: 128 });
  }

  result(format) {
    const guidance = this.guidance(this.state);
    return api.render(this.canvas.id, guidance, format, { saturation: this.state.saturation });
  }

  // ---- Kept in the browser

  keep(document) {
    keepFiles(document).then(() => this.saveNow()).catch(() => this.notKept());
  }

  saveNow() {
    const order = this.documents.indexOf(this.document);
    if (order < 0) return;
    for (const [place, document] of this.documents.entries()) {
      if (document !== this.document && document.keptAt === place) continue;
      document.keptAt = document === this.document ? null : place;
      keepState(document, place, document === this.document).catch(() => this.notKept());
    }
  }

  notKept() {
    if (this.warned) return; // once is enough
    this.warned = true;
    this.told.say("this browser keeps nothing of the page (private, or full): save the project", true);
  }
}
