/**
 * The page's one AudioContext: how loud each side is, and the tones of the page itself.
 */
let context = null;

function audioContext() {
  context ??= new AudioContext({ latencyHint: "playback" });
  return context;
}

/** Resumes the context at each click and key until it runs: browsers start sound only after one of them. */
export function wakeSound() {
  const wake = () => {
    if (audioContext().state === "suspended") audioContext().resume();
  };
  addEventListener("pointerdown", wake, { capture: true });
  addEventListener("keydown", wake, { capture: true });
}

/** Measures the loudness of one received audio track without playing it. */
export class Meter {
  #receiver;
  #source;
  #analyser;
  #samples;

  constructor(receiver) {
    this.#receiver = receiver;
    this.#source = audioContext().createMediaStreamSource(new MediaStream([receiver.track]));
    this.#analyser = new AnalyserNode(audioContext(), { fftSize: 1024 });
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#source.connect(this.#analyser);
  }

  /** Loudness from 0 (silence: -60 dBFS and below) to 1 (full scale). */
  level() {
    const loudness = context.state === "running" ? this.#measured() : this.#reported();
    if (loudness <= 0.001) return 0;
    return Math.min(1, 1 + (20 * Math.log10(loudness)) / 60);
  }

  close() {
    this.#source.disconnect();
    this.#analyser.disconnect();
  }

  #measured() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const sum = this.#samples.reduce((total, sample) => total + sample * sample, 0);
    return Math.sqrt(sum / this.#samples.length);
  }

  /** The browser's own figure, used before the first click. */
  #reported() {
    return Math.max(0, ...this.#receiver.getSynchronizationSources().map((source) => source.audioLevel ?? 0));
  }
}

// notes of [Hz, seconds]; the most important tone is last: an advisory alert and a question are two soft notes, a grave
// alert is three hard ones
const TONES = {
  advisory: [[520, 0.2], [520, 0.2]],
  grave: [[880, 0.15], [620, 0.15], [880, 0.25]],
  ask: [[660, 0.18], [880, 0.28]],
};
const RANKS = Object.keys(TONES);
let sounding = null; // {rank, ends, stop()}

/**
 * Plays a short tone of the page itself, one at a time: a more important tone ends the other, a less important one is
 * not played. Browsers play nothing before the first click.
 * @returns a function that stops the tone, or null where it is not played
 */
export function playTone(kind) {
  const context = audioContext();
  const rank = RANKS.indexOf(kind);
  if (context.state !== "running") return null;
  if (sounding && sounding.ends > context.currentTime) {
    if (sounding.rank >= rank) return null;
    sounding.stop();
  }
  const volume = new GainNode(context, { gain: 0.15 });
  volume.connect(context.destination);
  let at = context.currentTime;
  for (const [frequency, seconds] of TONES[kind]) {
    const tone = new OscillatorNode(context, { frequency });
    tone.connect(volume);
    tone.start(at);
    tone.stop(at + seconds);
    at += seconds + 0.05;
  }
  const tone = { rank, ends: at, stop: () => volume.disconnect() };
  sounding = tone;
  setTimeout(tone.stop, (at - context.currentTime) * 1000 + 100);
  return () => {
    tone.stop();
    if (sounding === tone) sounding = null;
  };
}
