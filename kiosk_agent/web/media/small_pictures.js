/**
 * Small grey pictures of this room for the agent on this machine, which counts the people in them and drops them. They
 * are taken only while the agent asks, and go to no other place.
 */
const WIDTH = 480; // a face two metres away has about forty pixels there
const EVERY = 3000; // ms

export class SmallPictures {
  #figures;
  #send;
  #canvas = document.createElement("canvas");
  #brush = this.#canvas.getContext("2d", { willReadFrequently: true });
  #timer = 0;

  /** @param send gets an ArrayBuffer: width and height (16 bit, little-endian), then brightness row by row */
  constructor(figures, send) {
    this.#figures = figures;
    this.#send = send;
  }

  take(on) {
    clearInterval(this.#timer);
    this.#timer = on ? setInterval(() => this.#take(), EVERY) : 0;
  }

  #take() {
    const { video } = this.#figures;
    if (!this.#figures.sees || !video.videoWidth) return;
    const width = Math.min(WIDTH, video.videoWidth);
    const height = Math.round(width * video.videoHeight / video.videoWidth);
    Object.assign(this.#canvas, { width, height });
    this.#brush.drawImage(video, 0, 0, width, height);
    const { data } = this.#brush.getImageData(0, 0, width, height);
    const found = new Uint8Array(4 + width * height);
    new DataView(found.buffer).setUint16(0, width, true);
    new DataView(found.buffer).setUint16(2, height, true);
    for (let at = 0; at < width * height; at += 1) {
      found[4 + at] = 0.299 * data[4 * at] + 0.587 * data[4 * at + 1] + 0.114 * data[4 * at + 2];
    }
    this.#send(found.buffer);
  }
}
