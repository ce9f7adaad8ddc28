/**
 * Sound: how loud each side is, and the one choice of what is heard.
 */
let context = null;

function audioContext() {
  context ??= new AudioContext({ latencyHint: "playback" });
  return context;
}

/** Browsers start sound only after a click or a key: try again at each until it runs. */
export function wakeSound() {
  const wake = () => {
    if (audioContext().state === "suspended") audioContext().resume();
  };
  addEventListener("pointerdown", wake, { capture: true });
  addEventListener("keydown", wake, { capture: true });
}

/** Loudness of one received audio track; nothing is heard through it. */
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

  /** 0 (silence, -60 dBFS and below) to 1 (full scale). */
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

  /** Before the first click the browser's own figure has to do. */
  #reported() {
    return Math.max(0, ...this.#receiver.getSynchronizationSources().map((source) => source.audioLevel ?? 0));
  }
}

/** What is heard: one side of one session, both sides of one session, or nothing. */
export class Listening {
  #choice = null; // {session, side: "prison" | "visitor" | "both"}

  hears(session, side) {
    const choice = this.#choice;
    return choice?.session === session && (choice.side === side || choice.side === "both");
  }

  is(session, side) {
    return this.#choice?.session === session && this.#choice.side === side;
  }

  /** The session that is heard, or null. */
  get session() {
    return this.#choice?.session ?? null;
  }

  get silent() {
    return this.#choice === null;
  }

  /** Chooses; choosing the same again turns the sound off. */
  toggle(session, side) {
    this.#choice = this.is(session, side) ? null : { session, side };
  }

  /** Forgets a choice whose session is no longer watched. */
  keepWithin(sessions) {
    if (this.#choice && !sessions.includes(this.#choice.session)) this.#choice = null;
  }
}

// [Hz, seconds] one after the other, the most important last: advice and a question are two soft notes, an alarm three
// hard ones
const TONES = {
  advisory: [[520, 0.2], [520, 0.2]],
  grave: [[880, 0.15], [620, 0.15], [880, 0.25]],
  ask: [[660, 0.18], [880, 0.28]],
};
const RANKS = Object.keys(TONES);
let sounding = null; // {rank, ends, stop()}

/**
 * A short tone of the page itself, one at a time: a more important one ends the other, a less important one is not
 * played. Without a click before, browsers play nothing and the eye has to do.
 * @returns what stops it, or null where it is not played
 */
export function dutyTone(kind) {
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
