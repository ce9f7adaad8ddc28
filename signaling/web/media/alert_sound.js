/**
 * Sound of the alerts: a short tone when one comes, repeated while a grave one is not taken, never two at a time.
 *
 * It can be switched off; the alert is still shown and announced to screen readers.
 */
import { readText, writeText } from "../state/storage.js";
import { playTone } from "./sound.js";

const REPEAT = 10_000; // ms
const KEY = "huijian.alert-sound";

export class AlertSound {
  #announced = new Set(); // keys of alerts whose coming has sounded
  #soundedAt = 0;
  #tone = null; // {keys, stop()} of the tone that plays
  on = readText("localStorage", KEY) !== "off";

  /** Follows what is open: {key, alert} of each alert. */
  follow(open) {
    const fresh = open.filter(({ alert }) => alert.state === "new");
    const keys = new Set(fresh.map(({ key }) => key));
    this.#announced = new Set([...this.#announced].filter((key) => keys.has(key)));
    if (this.#tone && !this.#tone.keys.some((key) => keys.has(key))) this.close(); // all were taken, or are over
    if (!this.on) return;
    const came = fresh.filter(({ key }) => !this.#announced.has(key));
    const again = performance.now() - this.#soundedAt > REPEAT ? fresh.filter(({ alert }) => alert.grave) : [];
    if (came.length || again.length) this.#play(came.length ? came : again);
  }

  switch() {
    this.on = !this.on;
    if (!this.on) this.close();
    writeText("localStorage", KEY, this.on ? "on" : "off");
  }

  close() {
    this.#tone?.stop();
    this.#tone = null;
  }

  #play(due) {
    const stop = playTone(due.some(({ alert }) => alert.grave) ? "grave" : "advisory");
    if (!stop) return; // a graver tone plays, or the browser waits for a click: the next call tries again
    const keys = due.map(({ key }) => key);
    keys.forEach((key) => this.#announced.add(key));
    this.#soundedAt = performance.now();
    this.#tone = { keys, stop };
  }
}
