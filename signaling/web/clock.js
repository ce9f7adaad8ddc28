/**
 * Times: those of the server, shown in Asia/Shanghai, and the countdown.
 *
 * The countdown runs from `remaining_ms` and performance.now(); the wall clock of this computer,
 * which may be wrong or be set while a visit runs, is never asked.
 */
const ZONE = "Asia/Shanghai";
const TIME = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit" });
const TIME_S = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-CA", { timeZone: ZONE, year: "numeric", month: "2-digit", day: "2-digit" });

export const timeOfDay = (iso) => TIME.format(new Date(iso));
export const timeWithSeconds = (date) => TIME_S.format(date);
/** YYYY-MM-DD in Shanghai. */
export const dayOf = (date) => DAY.format(date);

/** The server's clock, carried on by the monotonic one of the page. */
export class ServerClock {
  #at = null;
  #heard = 0;

  hear(iso) {
    this.#at = Date.parse(iso);
    this.#heard = performance.now();
  }

  /** Date, or null before the server has told its time. */
  now() {
    return this.#at === null ? null : new Date(this.#at + performance.now() - this.#heard);
  }
}

/** Milliseconds left to the limit at `now` (performance.now()), null while nothing counts. */
export function remainingMs(session, heardAt, now) {
  if (session.remaining_ms == null || session.state === "ended") return null;
  return Math.max(0, session.remaining_ms - (now - heardAt));
}

/** "29:05"; the last begun second still counts. */
export function minutesSeconds(ms) {
  const seconds = Math.ceil(ms / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
}

/** "five" in the last five minutes, "one" in the last one, else "". */
export function urgency(ms) {
  if (ms === null) return "";
  if (ms <= 60_000) return "one";
  return ms <= 300_000 ? "five" : "";
}
