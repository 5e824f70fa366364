// Where the picture lies on the screen, and how frames of colours are put there.

const BAR = 56; // pixels of the screen
const STEP = 64; // previews come in steps of so many pixels, so that zooming reuses them

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

  // A frame of the service: the whole picture, or a part of it on top of the last whole one.
  show(header, data) {
    const { height, width } = header;
    const whole = header.y1 - header.y0 === this.size.height && header.x1 - header.x0 === this.size.width;
    const last = (whole ? this.whole : this.part)?.image; // its memory is used again
    const fits = last && last.width === width && last.height === height;
    const image = fits ? last : new OffscreenCanvas(width, height);
    image.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
    const frame = { image, ...header };
    if (whole) {
      this.whole = frame;
      this.part = null;
    } else this.part = frame;
    this.draw();
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
    const frame = [this.part, this.whole, this.before].find(
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
  // for, it is drawn once.
  draw() {
    this.stale = true;
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
    this.place(context);
    context.imageSmoothingEnabled = this.scale * this.density < 4;
    if (this.whole && this.coarse) {
      this.put(context, this.before);
      context.globalCompositeOperation = "color"; // hue and saturation of what comes, luma of what is
      this.put(context, this.whole);
      context.globalCompositeOperation = "source-over";
    } else this.put(context, this.whole ?? this.before);
    this.put(context, this.part);
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

  // Whether the photo's own luma is here, for colours that come coarse.
  get blends() {
    return this.keepsLuma && this.before && !this.before.provisional;
  }

  get coarse() {
    const shown = this.size.height * this.scale * this.density;
    return this.blends && this.whole.image.height < 0.8 * Math.min(this.before.image.height, shown);
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
