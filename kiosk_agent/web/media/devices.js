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
      const stream = await navigator.mediaDevices.getUserMedia({ [kind]: KINDS[kind] });
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
