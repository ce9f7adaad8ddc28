/**
 * Times of the server, shown in Asia/Shanghai, and the countdown.
 *
 * The countdown runs from `remaining_ms` and performance.now(). The wall clock of this computer is never used: it may be
 * wrong, or be set while a visit runs.
 */
const ZONE = "Asia/Shanghai";
const TIME = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit" });
const TIME_S = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-CA", { timeZone: ZONE, year: "numeric", month: "2-digit", day: "2-digit" });

export const timeOfDay = (iso) => TIME.format(new Date(iso));
export const timeWithSeconds = (date) => TIME_S.format(date);
/** The day and the time in Shanghai as "03-02 10:15". */
export const dateAndTime = (iso) => `${DAY.format(new Date(iso)).slice(5)} ${timeOfDay(iso)}`;
/** The same with its year, for records that are kept for years: "2026-03-02 10:15". */
export const wholeDate = (iso) => `${dayOf(new Date(iso))} ${timeOfDay(iso)}`;
/** The day in Shanghai as YYYY-MM-DD. */
export const dayOf = (date) => DAY.format(date);

/** The server's clock, continued by the page's monotonic clock. */
export class ServerClock {
  #at = null;
  #receivedAt = 0;

  set(iso) {
    this.#at = Date.parse(iso);
    this.#receivedAt = performance.now();
  }

  /** The server's time as a Date, or null before its first message. */
  now() {
    return this.#at === null ? null : new Date(this.#at + performance.now() - this.#receivedAt);
  }
}

/** Computes the milliseconds left to the limit at `now` (performance.now()); null while nothing counts. */
export function remainingMs(session, receivedAt, now) {
  if (session.remaining_ms == null || session.state === "ended") return null;
  return Math.max(0, session.remaining_ms - (now - receivedAt));
}

/** Formats milliseconds as "29:05", rounded up to whole seconds. */
export function minutesSeconds(ms) {
  const seconds = Math.ceil(ms / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
}

/** "five" in the last five minutes, "one" in the last minute, otherwise "". */
export function urgency(ms) {
  if (ms === null) return "";
  if (ms <= 60_000) return "one";
  return ms <= 300_000 ? "five" : "";
}
