/**
 * Figures of the room's own picture and sound: brightness, its spread and change from a few pixels, loudness from the
 * microphone before the browser removes noise. Figures leave the page; pictures and sound do not.
 */
import { sendRaw } from "./raw_test.js";

const WIDTH = 160;
const HEIGHT = 90;
const SOUND_EVERY = 100; // ms: a word is longer
const FIGURES_EVERY = 1000; // ms
const TEST_PICTURES = 10;
const TEST_PICTURE_EVERY = 100; // ms
const MUTE = 2000; // ms of nothing at all: the noise of a room that is measured is never nought
const REOPENS = 4000; // ms between two attempts to hear a microphone that gives nothing
const STARTS = 5000; // ms that a sound system may take to start
const AGAIN = 1500; // ms for which a microphone that gave nothing is listened to again
const TONE = 0.4; // s
const RAW = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

export class Figures {
  luma = null; // of the last look; null without a picture
  level = 0; // of the last sixth of a second
  #devices;
  #report;
  video = Object.assign(document.createElement("video"), { muted: true, autoplay: true, playsInline: true });
  #canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
  #brush = this.#canvas.getContext("2d", { willReadFrequently: true });
  #before = null;
  #seen = -1;
  #loudest = null;
  #sound = null;
  #opening = null;
  #openedAt = 0;

  constructor(devices, report) {
    this.#devices = devices;
    this.#report = report;
    this.#brush.imageSmoothingEnabled = false; // pixels are sampled: noise would vanish in a mean
    addEventListener("track", (event) => this.#follow(event.detail));
    setInterval(() => this.#listen(), SOUND_EVERY);
    setInterval(() => this.#tell(), FIGURES_EVERY);
  }

  /** Looks at the picture now: `{luma, spread, change}`, or null where no new picture has come. */
  look() {
    const live = this.sees;
    const frames = this.video.getVideoPlaybackQuality().totalVideoFrames;
    if (!live || !this.video.videoWidth) {
      this.#before = this.luma = null;
      return null;
    }
    if (frames === this.#seen) return null;
    this.#seen = frames;
    this.#brush.drawImage(this.video, 0, 0, WIDTH, HEIGHT);
    const now = lumaOf(this.#brush.getImageData(0, 0, WIDTH, HEIGHT).data);
    const found = { ...meanAndSpread(now), change: this.#before && meanDifference(now, this.#before) };
    this.#before = now;
    this.luma = found.luma;
    return found;
  }

  /** Whether the camera is open. */
  get sees() {
    return this.#devices.tracks.video?.readyState === "live";
  }

  /** The loudest sixth of a second since the last call, null where the microphone is not open. */
  takeLevel() {
    const found = this.#loudest;
    this.#loudest = null;
    return found;
  }

  /** Resolves once the loudness of an open microphone is measured: a test that began earlier would hear nothing. */
  async listens() {
    await this.#opening;
  }

  /** Listens to the microphone anew, and resolves once it is heard: a measuring stream can die while the track lives. */
  async relisten() {
    if (this.#devices.tracks.audio?.readyState === "live") this.#follow("audio");
    await this.#opening;
  }

  #follow(kind) {
    const track = this.#devices.tracks[kind];
    if (kind === "video") {
      this.video.srcObject = new MediaStream([track]);
      return;
    }
    this.#hush();
    this.#openedAt = performance.now();
    this.#opening = this.#hear(track);
  }

  /** Measures a track from now on, unless another one has come meanwhile, or it was released. */
  async #hear(track) {
    const found = await Microphone.open(track);
    if (this.#devices.tracks.audio === track && track.readyState === "live") this.#sound = found;
    else found.close();
  }

  /** Ends the measuring, and with it the use of the device. */
  #hush() {
    this.#sound?.close();
    this.#sound = null;
  }

  #listen() {
    if (this.#devices.tracks.audio?.readyState !== "live") this.#hush();
    if (!this.#sound) {
      this.level = 0;
      return;
    }
    this.level = this.#sound.level();
    this.#loudest = Math.max(this.#loudest ?? 0, this.level);
    if (this.#sound.mute && performance.now() - this.#openedAt > REOPENS) this.#follow("audio");
  }

  #tell() {
    if (!this.#devices.tracks.video && !this.#devices.tracks.audio) return;
    const { luma = null, spread = null, change = null } = this.look() ?? {};
    this.#report({ luma, spread, change, level: this.takeLevel() });
  }
}

/** The microphone before noise is removed: a quiet room is not silent there, a dead microphone is. */
class Microphone {
  #context = new AudioContext();
  #analyser = this.#context.createAnalyser();
  #samples;
  #raw = null;
  #heardAt = performance.now();

  static async open(track) {
    const found = new Microphone();
    const { deviceId } = track.getSettings();
    try {
      const audio = { ...RAW, deviceId: deviceId ? { exact: deviceId } : undefined };
      found.#raw = await navigator.mediaDevices.getUserMedia({ audio });
    } catch {
      found.#raw = null; // one use at a time: what is sent is measured instead
    }
    found.#analyser.fftSize = 8192; // 170 ms: nothing passes unheard between two looks
    found.#samples = new Float32Array(found.#analyser.fftSize);
    found.#context.createMediaStreamSource(found.#raw ?? new MediaStream([track])).connect(found.#analyser);
    track.addEventListener("ended", () => found.close());
    await found.#begun();
    return found;
  }

  /** Resolves once the samples are those of the device: a sound system takes its time to start. */
  async #begun() {
    const until = performance.now() + STARTS;
    const whole = this.#analyser.fftSize / this.#context.sampleRate;
    this.#context.resume();
    while (this.#context.currentTime < whole && performance.now() < until && this.#context.state !== "closed") {
      await new Promise((done) => { setTimeout(done, 20); });
    }
  }

  level() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / this.#samples.length;
    if (power > 0) this.#heardAt = performance.now();
    return Math.min(1, Math.sqrt(power));
  }

  /** Whether it has given nothing at all for a while. */
  get mute() {
    return performance.now() - this.#heardAt > MUTE;
  }

  close() {
    for (const track of this.#raw?.getTracks() ?? []) track.stop();
    if (this.#context.state !== "closed") this.#context.close();
  }
}

/** Tests the equipment: pictures over a second, what the agent measures itself, and a tone of the loudspeaker. */
export async function testEquipment(devices, figures, order) {
  devices.need("test", true);
  try {
    await devices.ready();
    await figures.listens();
    figures.takeLevel();
    let luma = null;
    let change = null;
    for (let taken = 0; taken < TEST_PICTURES; taken += 1) {
      await new Promise((done) => { setTimeout(done, TEST_PICTURE_EVERY); });
      const found = figures.look();
      if (found) {
        luma = Math.max(luma ?? 0, found.luma);
        change = found.change === null ? change : Math.max(change ?? 0, found.change);
      }
    }
    const { width = 0, frameRate: rate = 0 } = devices.tracks.video?.getSettings() ?? {};
    const heard = await sendRaw(order, figures.video, devices.tracks.audio);
    return { luma, change, level: await levelOf(figures), speaker: order.listen && order.sweep ? heard : await playTone(), width, rate };
  } finally {
    devices.need("test", false);
  }
}

/** The level since the test began. Nothing at all may be the fault of the measuring: it is asked once more. */
async function levelOf(figures) {
  const level = figures.takeLevel();
  if (level) return level;
  await figures.relisten();
  await new Promise((done) => { setTimeout(done, AGAIN); });
  return figures.takeLevel();
}

/** Plays two tones; resolves to whether the sound device took them. */
async function playTone() {
  const context = new AudioContext();
  try {
    await context.resume();
    const volume = new GainNode(context, { gain: 0.15 });
    volume.connect(context.destination);
    const tone = new OscillatorNode(context, { frequency: 523 });
    tone.frequency.setValueAtTime(659, context.currentTime + TONE / 2);
    tone.connect(volume);
    tone.start();
    tone.stop(context.currentTime + TONE);
    await new Promise((done) => {
      tone.onended = done;
      setTimeout(done, 4000 * TONE);
    });
    return context.state === "running" && context.currentTime >= TONE;
  } finally {
    context.close();
  }
}

function lumaOf(pixels) {
  const found = new Float32Array(pixels.length / 4);
  for (let at = 0; at < found.length; at += 1) {
    const [red, green, blue] = [pixels[4 * at], pixels[4 * at + 1], pixels[4 * at + 2]];
    found[at] = 16 + (219 / 255) * (0.299 * red + 0.587 * green + 0.114 * blue);
  }
  return found;
}

function meanAndSpread(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { luma: mean, spread: Math.sqrt(square) };
}

function meanDifference(now, before) {
  return now.reduce((sum, value, at) => sum + Math.abs(value - before[at]), 0) / now.length;
}
