/**
 * The sound of alerts: a short tone when one comes, again and again while a grave one is not taken, and never two at a
 * time. It can be switched off; eyes and screen readers are told all the same.
 */
import { dutyTone } from "./sound.js";

const REPEAT = 10_000;
const KEY = "huijian.alert-sound";

export class AlertSound {
  #heard = new Set(); // keys of alerts whose coming has sounded
  #soundedAt = 0;
  #tone = null; // {keys, stop()} of what sounds
  on = stored();

  /** Brings the sound in step with what is open: {key, alert} of each. */
  follow(open) {
    const fresh = open.filter(({ alert }) => alert.state === "new");
    const keys = new Set(fresh.map(({ key }) => key));
    this.#heard = new Set([...this.#heard].filter((key) => keys.has(key)));
    if (this.#tone && !this.#tone.keys.some((key) => keys.has(key))) this.close(); // taken, or over
    if (!this.on) return;
    const came = fresh.filter(({ key }) => !this.#heard.has(key));
    const again = performance.now() - this.#soundedAt > REPEAT ? fresh.filter(({ alert }) => alert.grave) : [];
    if (came.length || again.length) this.#sound(came.length ? came : again);
  }

  switch() {
    this.on = !this.on;
    if (!this.on) this.close();
    try {
      localStorage.setItem(KEY, this.on ? "on" : "off");
    } catch {
      // not kept for the next visit, which is all that storage was for
    }
  }

  close() {
    this.#tone?.stop();
    this.#tone = null;
  }

  #sound(due) {
    const stop = dutyTone(due.some(({ alert }) => alert.grave) ? "grave" : "advisory");
    if (!stop) return; // something graver sounds, or the browser wants a click first: at the next look again
    const keys = due.map(({ key }) => key);
    keys.forEach((key) => this.#heard.add(key));
    this.#soundedAt = performance.now();
    this.#tone = { keys, stop };
  }
}

function stored() {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true; // storage may be forbidden by the browser's settings
  }
}
