/**
 * What the agent measures of this room in an equipment test: whole pictures of the camera, and the microphone before
 * echo and noise are removed, first of the quiet room and then while a rising tone is played. All of it goes to the agent
 * on this machine, which drops it, and to no other place.
 */
const PICTURES = 4;
const PICTURE_EVERY = 120; // ms
const QUIET = 2.5; // s: hum is told from voices by what stays for two seconds
const AFTER = 1; // s for which the tone may come late
const RAW = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
const TONE = { from: 300, to: 6000, seconds: 1, loud: 0.3, fade: 0.02 }; // as the agent knows it (measures/sweep.py)

/** Sends pictures and sounds of the test with this number; resolves to whether the sound device took the tone. */
export async function sendRaw({ number, listen, sweep }, video, track) {
  const [, played] = await Promise.all([sendPictures(number, video), listen && sendSounds(number, track, sweep)]);
  return played;
}

async function sendPictures(number, video) {
  const canvas = document.createElement("canvas");
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  for (let taken = 0; taken < PICTURES && video.videoWidth; taken += 1) {
    const [width, height] = [video.videoWidth, video.videoHeight];
    Object.assign(canvas, { width, height });
    brush.drawImage(video, 0, 0);
    await post(`test/${number}/picture?width=${width}&height=${height}`, lumaOf(brush.getImageData(0, 0, width, height).data));
    await new Promise((done) => { setTimeout(done, PICTURE_EVERY); });
  }
}

async function sendSounds(number, track, sweep) {
  const context = new AudioContext();
  let raw = null;
  try {
    const { deviceId } = track?.getSettings() ?? {};
    raw = await navigator.mediaDevices.getUserMedia({ audio: { ...RAW, deviceId: deviceId ? { exact: deviceId } : undefined } });
    await context.resume();
    await context.audioWorklet.addModule("web/media/recorder.js");
    const tape = new Tape(context, raw);
    await sendSound(number, "sound", context, await tape.record(context.currentTime, QUIET));
    if (!sweep) return null;
    const at = context.currentTime + 0.1;
    play(context, at);
    await sendSound(number, "sweep", context, await tape.record(at, TONE.seconds + AFTER));
    return context.state === "running";
  } catch {
    return sweep ? false : null; // one use at a time, or no device: the agent finds its figures missing
  } finally {
    for (const each of raw?.getTracks() ?? []) each.stop();
    context.close();
  }
}

/** Everything that a microphone gives, from the moment on that this is made. */
class Tape {
  #context;
  #blocks = [];
  #waiting = () => {};

  constructor(context, stream) {
    this.#context = context;
    const node = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }) => {
      this.#blocks.push(data);
      this.#waiting();
    };
    context.createMediaStreamSource(stream).connect(node);
  }

  /** Resolves to the sound of `seconds` from the context's time `at` on; shorter where the device stops. */
  async record(at, seconds) {
    const { sampleRate } = this.#context;
    const [first, count] = [Math.round(at * sampleRate), Math.round(seconds * sampleRate)];
    await new Promise((done) => {
      this.#waiting = () => {
        const last = this.#blocks.at(-1);
        if (last && last.at + last.samples.length >= first + count) done();
      };
      setTimeout(done, (seconds + 2) * 1000);
    });
    const found = new Float32Array(count);
    let end = 0;
    for (const { at: began, samples } of this.#blocks) {
      const to = began - first;
      const part = samples.subarray(Math.max(0, -to), Math.max(0, Math.min(samples.length, count - to)));
      if (part.length) {
        found.set(part, Math.max(0, to));
        end = Math.max(end, Math.max(0, to) + part.length);
      }
    }
    this.#blocks = [];
    return found.subarray(0, end);
  }
}

function play(context, at) {
  const { sampleRate } = context;
  const buffer = context.createBuffer(1, TONE.seconds * sampleRate, sampleRate);
  const samples = buffer.getChannelData(0);
  const growth = Math.log(TONE.to / TONE.from);
  for (let each = 0; each < samples.length; each += 1) {
    const time = each / sampleRate;
    const phase = 2 * Math.PI * TONE.from * TONE.seconds / growth * (Math.exp(time / TONE.seconds * growth) - 1);
    samples[each] = TONE.loud * Math.sin(phase) * Math.min(1, Math.min(time, TONE.seconds - time) / TONE.fade);
  }
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  source.start(at);
}

async function sendSound(number, what, context, found) {
  if (!found.length) return;
  const samples = Int16Array.from(found, (each) => Math.max(-32768, Math.min(32767, Math.round(each * 32768))));
  await post(`test/${number}/${what}?rate=${Math.round(context.sampleRate)}&count=${samples.length}`, samples);
}

async function post(path, body) {
  await fetch(path, { method: "POST", body, headers: { "Content-Type": "application/octet-stream" } });
}

function lumaOf(pixels) {
  const found = new Uint8Array(pixels.length / 4);
  for (let at = 0; at < found.length; at += 1) {
    found[at] = 16 + (219 / 255) * (0.299 * pixels[4 * at] + 0.587 * pixels[4 * at + 1] + 0.114 * pixels[4 * at + 2]);
  }
  return found;
}
