// Colours that follow the hand: guidance out, pixels in, by WebSocket. It comes back by itself.

const HEADER = 32;

export class Live {
  // told: { frame(header, pixels), error(message), gone(), state(connected) }
  constructor(canvas, told) {
    this.canvas = canvas;
    this.told = told;
    this.number = 0;
    this.asked = new Map(); // by number: when the event behind a message was, and its view
    this.last = null; // the newest message, sent again when the connection comes back
    this.pending = 0; // number of the message that is not answered yet
    this.next = null; // what a hand drew meanwhile
    this.wait = 250;
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(`${scheme}//${location.host}/api/canvases/${this.canvas}/live`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      this.wait = 250;
      this.told.state(true);
      this.pending = 0;
      if (this.last) this.transmit(this.last);
    };
    this.socket.onmessage = (event) => this.receive(event.data);
    this.socket.onclose = () => {
      if (this.ended) return;
      this.told.state(false);
      this.retry = setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(5000, this.wait * 2);
    };
  }

  // eventTime: performance.now() of the pointer event that this answers, if any. While a hand moves,
  // one message is answered after the other, so that each frame is finished; other changes are sent
  // at once, and the service gives up what they make stale.
  send(guidance, view, eventTime) {
    this.number += 1;
    this.asked.set(this.number, { eventTime, draft: Boolean(view.draft) });
    this.last = { number: this.number, guidance, view };
    if (eventTime !== undefined && this.pending) this.next = this.last;
    else this.transmit(this.last);
  }

  transmit(message) {
    this.next = null;
    if (!this.connected) return;
    this.pending = message.number;
    this.socket.send(JSON.stringify(message));
  }

  get connected() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  answered(number) {
    if (number < this.pending) return;
    this.pending = 0;
    if (this.next) this.transmit(this.next);
  }

  receive(data) {
    if (typeof data === "string") {
      const said = JSON.parse(data);
      if (said.gone) return this.told.gone(said.error);
      this.answered(said.number ?? this.pending);
      this.told.error(said.error);
      return;
    }
    const [number, y0, x0, y1, x1, height, width, spent] = new Uint32Array(data, 0, 8);
    this.answered(number);
    const asked = this.asked.get(number);
    for (const sent of this.asked.keys()) {
      if (sent > number) break;
      this.asked.delete(sent);
    }
    const header = { number, y0, x0, y1, x1, height, width, spent, ...asked };
    this.told.frame(header, new Uint8ClampedArray(data, HEADER));
  }

  close() {
    this.ended = true;
    clearTimeout(this.retry);
    this.socket.close();
  }
}
