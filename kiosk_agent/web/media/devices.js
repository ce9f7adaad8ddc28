/**
 * Camera and microphone of the room: open while a screen, a publication or a test needs them, and opened again after one
 * was unplugged. Who uses a track is told of each new one.
 */
export const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25, max: 25 } };
export const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
const AGAIN = 2000; // ms between attempts while a device is missing
const KINDS = { video: PICTURE, audio: SOUND };

export class Devices {
  tracks = { video: null, audio: null };
  missing = { video: false, audio: false }; // could not be opened, or was unplugged and did not come back at once
  #changed;
  #trouble;
  #needs = new Set();
  #opening = null;
  #again = 0;
  #wanted = { video: "", audio: "" };

  constructor({ changed, trouble }) {
    this.#changed = changed;
    this.#trouble = trouble;
    navigator.mediaDevices.addEventListener("devicechange", () => this.#reopen());
  }

  /** States whether `user` needs the devices; they are released when nothing does. */
  need(user, on) {
    const before = this.#needs.size;
    if (on) this.#needs.add(user);
    else this.#needs.delete(user);
    if (this.#needs.size && !before) this.ready();
    if (!this.#needs.size && before) this.#release();
  }

  /** Uses the devices with these labels from now on; an empty one is the browser's choice. */
  choose(labels) {
    for (const [kind, label] of Object.entries(labels)) {
      if (this.#wanted[kind] === label) continue;
      this.#wanted[kind] = label;
      const track = this.tracks[kind];
      track?.stop();
      if (track) this.#lose(kind, track);
    }
  }

  /** Resolves once every device that there is has been opened. */
  ready() {
    this.#opening ??= this.#open().finally(() => { this.#opening = null; });
    return this.#opening;
  }

  stream() {
    return new MediaStream(Object.values(this.tracks).filter(Boolean));
  }

  async #open() {
    clearTimeout(this.#again);
    for (const kind of Object.keys(KINDS)) {
      if (this.tracks[kind]?.readyState === "live") continue;
      await this.#openKind(kind);
    }
    const complete = this.tracks.video && this.tracks.audio;
    if (!complete && this.#needs.size) this.#again = setTimeout(() => this.ready(), AGAIN);
    if (!this.#needs.size) this.#release(); // nothing needs them any more
  }

  async #openKind(kind) {
    try {
      const chosen = { ...KINDS[kind], ...await deviceOf(kind, this.#wanted[kind]) };
      const stream = await navigator.mediaDevices.getUserMedia({ [kind]: chosen });
      const [track] = stream.getTracks();
      track.addEventListener("ended", () => this.#lose(kind, track));
      this.tracks[kind] = track;
      this.missing[kind] = false;
      this.#changed();
      dispatchEvent(new CustomEvent("track", { detail: kind }));
    } catch (error) {
      this.missing[kind] = true;
      this.tracks[kind] = null;
      this.#changed();
      this.#trouble(`${kind} ${error.name}`);
    }
  }

  #lose(kind, track) {
    if (this.tracks[kind] !== track) return;
    this.tracks[kind] = null;
    this.#changed();
    this.#reopen();
  }

  #reopen() {
    if (this.#needs.size) this.ready();
  }

  #release() {
    clearTimeout(this.#again);
    if (this.#opening) return; // it looks again when it is done
    for (const [kind, track] of Object.entries(this.tracks)) {
      track?.stop();
      this.tracks[kind] = null;
      this.missing[kind] = false;
    }
    this.#changed();
  }
}

/** The constraint that means the device with a label, where it is plugged in; none otherwise. */
async function deviceOf(kind, label) {
  if (!label) return {};
  const devices = await navigator.mediaDevices.enumerateDevices();
  const found = devices.find((each) => each.kind === `${kind}input` && each.label === label);
  return found ? { deviceId: { exact: found.deviceId } } : {};
}

/** All devices by kind and label, for the officer's screen; `used` for those that are open. */
export async function listed(tracks) {
  const kinds = { videoinput: "camera", audioinput: "microphone", audiooutput: "speaker" };
  const open = Object.values(tracks).filter(Boolean).map((track) => track.label);
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind, label }) => kind in kinds && label);
  const found = new Map(devices.map(({ kind, label }) => [`${kind} ${label}`, {
    kind: kinds[kind], label: label.slice(0, 120), used: kind !== "audiooutput" && open.includes(label),
  }]));
  return [...found.values()].slice(0, 32);
}
