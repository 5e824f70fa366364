// One picture being coloured: what was drawn, the canvas of the service, and colours that follow.

import * as api from "./api.js";
import { History } from "./history.js";
import { keep } from "./autosave.js";
import { Live } from "./live.js";

export const EMPTY = Object.freeze({
  model: "lga",
  size: null,
  saturation: 1,
  strokes: Object.freeze([]),
  anchors: null, // null: the model's own answer
  sample: 0,
  style: null,
  flat: false,
});

export class Editor {
  // told: { say(message, bad), changed(state), opened(canvas), connected(yes) }
  constructor(view, latency, told) {
    this.view = view;
    this.latency = latency;
    this.told = told;
    this.history = new History(EMPTY);
    this.models = [];
    this.file = this.example = this.canvas = null;
    this.generation = 0; // a canvas that is prepared for an older one is dropped
  }

  get state() {
    return this.history.state;
  }

  get tool() {
    return this.models.find((model) => model.name === this.state.model)?.tool ?? "scribble";
  }

  async open(file, state = null, example = null) {
    const picture = await api.addPicture(file); // an error leaves what is open as it is
    this.file = file;
    this.picture = picture;
    this.example = example;
    this.exampleId = null;
    this.history.reset({ ...EMPTY, model: this.state.model, ...state });
    this.view.open(picture.height, picture.width);
    this.told.changed(this.state);
    await this.prepare();
  }

  // A canvas for the model and size of the state. What is drawn stays, whatever happens.
  async prepare() {
    const generation = (this.generation += 1);
    this.preparing?.abort();
    this.preparing = new AbortController();
    this.live?.close();
    this.live = null;
    const { model, size } = this.state;
    this.told.say(`preparing for ${model} …`);
    const started = performance.now();
    try {
      const canvas = await this.again(() =>
        api.addCanvas(
          { picture: this.picture.id, model, ...(size ? { size } : {}) },
          this.preparing.signal,
        ),
      );
      if (this.tool === "exemplar") await this.sendExample();
      if (generation !== this.generation) {
        api.release(canvas.id);
        return;
      }
      if (this.canvas) api.release(this.canvas.id);
      this.canvas = canvas;
      this.live = new Live(canvas.id, {
        frame: (header, data) => this.frame(header, data),
        error: (message) => this.told.say(message, true),
        gone: () => this.prepare(),
        state: (connected) => this.told.connected(connected),
      });
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      this.told.say(`${canvas.width} × ${canvas.height} pixels, prepared in ${seconds} s`);
      this.told.opened(canvas);
      this.follow();
      api.render(canvas.id, null, "png", { size: Math.min(1024, canvas.width, canvas.height) })
        .then((blob) => this.view.showBefore(blob))
        .catch(() => {});
    } catch (error) {
      if (generation === this.generation && error.status !== 0) this.told.say(error.message, true);
      else if (generation === this.generation) this.retry(error);
    }
  }

  retry(error) {
    this.told.say(`${error.message}; trying again …`, true);
    clearTimeout(this.later);
    this.later = setTimeout(() => this.prepare(), 2000);
  }

  // Work that needs the picture at the service: when it has left, it is sent again.
  async again(work) {
    try {
      return await work();
    } catch (error) {
      if (error.status !== 410 && error.status !== 404) throw error;
      this.picture = await api.addPicture(this.file);
      this.exampleId = null;
      return work();
    }
  }

  async sendExample() {
    if (this.example && !this.exampleId) this.exampleId = (await api.addPicture(this.example)).id;
  }

  async setExample(file) {
    const held = await api.addPicture(file);
    this.example = file;
    this.exampleId = held.id;
    this.told.changed(this.state);
    this.save();
    this.follow();
  }

  frame(header, data) {
    this.view.show(header, data);
    if (header.eventTime !== undefined) this.latency.drawn(header.eventTime);
  }

  // Changes of what is drawn. `eventTime`: of the pointer event behind it.
  change(changes, { merge = false, eventTime } = {}) {
    const { model, size } = this.state;
    this.history.push(changes, merge);
    this.changed(model, size, eventTime);
  }

  undo() {
    const { model, size } = this.state;
    this.history.undo();
    this.changed(model, size);
  }

  redo() {
    const { model, size } = this.state;
    this.history.redo();
    this.changed(model, size);
  }

  changed(model, size, eventTime) {
    this.told.changed(this.state);
    this.save();
    if (!this.file) return;
    if (this.state.model !== model || this.state.size !== size) this.prepare();
    else this.follow(eventTime);
  }

  // A stroke that is still being drawn is shown, but is no step of the history yet.
  follow(eventTime, strokes = this.state.strokes) {
    if (!this.live || !this.view.size) return;
    const view = { ...this.view.wanted(), saturation: this.state.saturation };
    this.live.send(this.guidance(this.state, strokes), view, eventTime);
  }

  guidance(state, strokes = state.strokes) {
    if (this.tool === "scribble") return { strokes };
    if (this.tool === "exemplar") return this.exampleId ? { reference: this.exampleId } : null;
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
    const view = { saturation: this.state.saturation };
    return api.render(this.canvas.id, guidance, format, view);
  }

  save() {
    clearTimeout(this.saving);
    this.saving = setTimeout(
      () => this.file && keep({ picture: this.file, example: this.example, state: this.state }),
      300,
    );
  }
}
