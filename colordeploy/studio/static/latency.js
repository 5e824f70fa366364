// From a pointer event to its pixels on the screen: measured by the page itself.

const KEPT = 500;

export class Latency {
  constructor(output) {
    this.output = output;
    this.times = [];
  }

  // Called when the pixels of an event have been painted.
  seen(eventTime) {
    this.times.push(performance.now() - eventTime);
    if (this.times.length > KEPT) this.times.shift();
    this.output.textContent = `${Math.round(this.at(0.5))} ms, 95 %: ${Math.round(this.at(0.95))} ms`;
  }

  at(share) {
    const sorted = [...this.times].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  }
}
