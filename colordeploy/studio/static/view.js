// Where the picture lies on the screen, and how frames of colours are put there.

const BAR = 56; // pixels of the screen
const STEP = 64; // previews come in steps of so many pixels, so that zooming reuses them
const COARSE = { luma: 256, lines: 320 }; // short side of what follows a hand; models work at 256
const FEW = 150_000; // pixels that come as fast as that

export class View {
  constructor(pixels, overlay) {
    this.pixels = pixels;
    this.overlay = overlay;
    this.drawing = null; // what is asked of the browser
    this.painted = []; // called when what is asked for now has been painted
    this.compare = 0; // share of the width that is shown without colours
    this.clear();
  }

  clear() {
    this.size = null; // { height, width } of the picture
    this.whole = this.part = this.before = null; // { image, y0, x0, y1, x1 }
    this.draft = null; // the same, of what is still being drawn
    this.draw();
  }

  // sight: of an earlier time, see below.
  open(height, width, sight = null) {
    this.clear();
    this.size = { height, width };
    if (sight) {
      Object.assign(this, sight);
      this.draw();
    } else this.fit();
  }

  // Where the picture lies, and its pixels.
  get sight() {
    const { scale, left, top, whole, part, before } = this;
    return { scale, left, top, whole, part, before };
  }

  get density() {
    return window.devicePixelRatio || 1;
  }

  resize() {
    for (const canvas of [this.pixels, this.overlay]) {
      const width = Math.round(canvas.clientWidth * this.density);
      const height = Math.round(canvas.clientHeight * this.density);
      if (canvas.width !== width || canvas.height !== height) {
        canvas.width = width;
        canvas.height = height;
      }
    }
  }

  fit() {
    const { clientWidth } = this.pixels;
    const height = Math.max(40, this.pixels.clientHeight - BAR); // what the bar below covers is left free
    this.scale = Math.min(clientWidth / this.size.width, height / this.size.height, 16) * 0.97;
    this.left = (clientWidth - this.size.width * this.scale) / 2;
    this.top = (height - this.size.height * this.scale) / 2;
    this.onPlace?.(true);
    this.draw();
  }

  zoom(factor, x = this.pixels.clientWidth / 2, y = this.pixels.clientHeight / 2) {
    if (!this.size) return;
    const scale = Math.min(32, Math.max(0.02, this.scale * factor));
    this.left = x - ((x - this.left) * scale) / this.scale;
    this.top = y - ((y - this.top) * scale) / this.scale;
    this.scale = scale;
    this.onPlace?.(false);
    this.draw();
  }

  move(x, y) {
    this.left += x;
    this.top += y;
    this.onPlace?.(false);
    this.draw();
  }

  // From the page's pixels to the picture's (y, x); pixel centres are at whole numbers.
  toPicture(clientX, clientY) {
    const box = this.overlay.getBoundingClientRect();
    return [
      (clientY - box.top - this.top) / this.scale - 0.5,
      (clientX - box.left - this.left) / this.scale - 0.5,
    ];
  }

  // And back, to the stage's.
  toScreen([y, x]) {
    return [(x + 0.5) * this.scale + this.left, (y + 0.5) * this.scale + this.top];
  }

  inside([y, x]) {
    return this.size && y >= -0.5 && x >= -0.5 && y < this.size.height - 0.5 && x < this.size.width - 0.5;
  }

  // What the service is to make: only what is seen, as fine as it is seen.
  wanted() {
    const fine = this.scale * this.density;
    const { height, width } = this.size;
    const short = Math.min(height, width);
    if (fine < 0.75) {
      const size = Math.ceil((short * fine) / STEP) * STEP;
      if (size < short) return { size };
    }
    const { clientWidth, clientHeight } = this.pixels;
    const y0 = Math.max(0, Math.floor(-this.top / this.scale));
    const x0 = Math.max(0, Math.floor(-this.left / this.scale));
    const y1 = Math.min(height, Math.ceil((clientHeight - this.top) / this.scale));
    const x1 = Math.min(width, Math.ceil((clientWidth - this.left) / this.scale));
    if (y1 <= y0 || x1 <= x0 || (y1 - y0 === height && x1 - x0 === width)) {
      return { size: short };
    }
    return { region: [y0, x0, y1, x1] };
  }

  // The same while a hand moves: a part that is small is made as it is seen, or else the whole
  // picture coarse, which is shown with the photo's luma or the drawing's lines that are here already.
  wantedSoon() {
    const { region, size } = this.wanted();
    if (region) {
      const [y0, x0, y1, x1] = region;
      if ((y1 - y0) * (x1 - x0) <= FEW) return { region, draft: true };
    }
    const coarse = COARSE[this.keeps];
    return { size: Math.min(coarse, size ?? coarse), draft: true };
  }

  // A frame of the service: the whole picture, or a part of it on top of the last whole one.
  show(header, data) {
    const { height, width } = header;
    const whole = header.y1 - header.y0 === this.size.height && header.x1 - header.x0 === this.size.width;
    const kind = header.draft ? "draft" : whole ? "whole" : "part";
    const last = this[kind]?.image; // its memory is used again
    const fits = last && last.width === width && last.height === height;
    const image = fits ? last : new OffscreenCanvas(width, height);
    image.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
    this[kind] = { image, whole, ...header };
    if (kind === "whole") this.part = null;
    if (kind !== "draft") this.draft = null;
    this.draw(kind === "draft");
  }

  // The picture without colours; provisional: as the browser reads the file.
  showBefore(image, provisional = false) {
    const { height, width } = this.size;
    if (provisional) {
      const gray = new OffscreenCanvas(width, height);
      const context = gray.getContext("2d");
      context.filter = "grayscale(1)";
      context.drawImage(image, 0, 0);
      image = gray;
    }
    this.before = { image, provisional, y0: 0, x0: 0, y1: height, x1: width };
    this.draw();
  }

  // The colour that is shown at a place of the picture, as #rrggbb.
  colorAt([y, x]) {
    const frame = [this.draft, this.part, this.whole, this.before].find(
      (f) => f && y >= f.y0 && y < f.y1 && x >= f.x0 && x < f.x1,
    );
    if (!frame) return null;
    const spot = new OffscreenCanvas(1, 1).getContext("2d");
    const across = frame.image.width / (frame.x1 - frame.x0);
    const down = frame.image.height / (frame.y1 - frame.y0);
    const column = Math.floor((x + 0.5 - frame.x0) * across);
    const row = Math.floor((y + 0.5 - frame.y0) * down);
    spot.drawImage(frame.image, column, row, 1, 1, 0, 0, 1, 1);
    const [r, g, b] = spot.getImageData(0, 0, 1, 1).data;
    return `#${[r, g, b].map((v) => v.toString(16).padStart(2, "0")).join("")}`;
  }

  // Everything, or only what lies over the picture, before the next paint: however often it is asked
  // for, it is drawn once. `colours`: what lies under a draft is still right.
  draw(colours = false) {
    this.stale = true;
    if (!colours) this.under = null;
    this.drawOver();
  }

  drawOver() {
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      if (this.stale) this.drawPicture();
      this.stale = false;
      this.onDraw?.();
      for (const told of this.painted.splice(0)) setTimeout(told); // after the paint
    });
  }

  drawPicture() {
    this.resize();
    const context = this.pixels.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.pixels.width, this.pixels.height);
    if (!this.size) return;
    context.imageSmoothingEnabled = this.scale * this.density < 4;
    if (this.draft) this.putDraft(context);
    else this.putExact(context);
    if (this.compare > 0 && this.before) {
      const edge = this.size.width * this.compare;
      context.save();
      context.beginPath();
      context.rect(0, 0, edge, this.size.height);
      context.clip();
      this.put(context, this.before);
      context.restore();
    }
  }

  // What pixels that come coarse have from those that are here: "luma" of photos, "lines" of drawings.
  get blends() {
    return (this.keeps === "luma" ? this.whole : this.before) !== null;
  }

  putDraft(context) {
    const { draft } = this, coarse = draft.whole && this.keeps;
    if (coarse !== "lines") context.drawImage((this.under ??= this.drawUnder(context)), 0, 0);
    this.place(context);
    if (coarse === "luma") context.globalCompositeOperation = "color"; // luma of what is there
    this.put(context, draft);
    if (coarse === "lines") {
      context.globalCompositeOperation = "darken";
      this.put(context, this.before);
    }
    context.globalCompositeOperation = "source-over";
  }

  // The exact pixels that there are, older ones where no newer ones came: their luma holds.
  putExact(context) {
    this.place(context);
    this.put(context, this.whole ?? this.before);
    this.put(context, this.part);
  }

  // The same on a canvas as large as the screen's, kept while a hand moves.
  drawUnder({ imageSmoothingEnabled }) {
    const kept = new OffscreenCanvas(this.pixels.width, this.pixels.height);
    const context = kept.getContext("2d");
    context.imageSmoothingEnabled = imageSmoothingEnabled;
    this.putExact(context);
    return kept;
  }

  place(context) {
    const d = this.density;
    context.setTransform(this.scale * d, 0, 0, this.scale * d, this.left * d, this.top * d);
  }

  put(context, frame) {
    if (!frame) return;
    const { image, y0, x0, y1, x1 } = frame;
    context.drawImage(image, x0, y0, x1 - x0, y1 - y0);
  }
}
