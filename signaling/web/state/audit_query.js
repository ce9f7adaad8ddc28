/**
 * What an auditor searches for, as it stands in the page's address.
 *
 * It is the fragment of the address: browsers never send that to a server, so that no name gets into a log. Back and
 * forward lead through earlier searches and visits. Days are those of Asia/Shanghai.
 */
import { dayOf } from "./clock.js";

/** The fields of a search in the order of the form; each is a member of POST /api/v1/visits/search. */
export const FIELDS = ["since", "until", "site", "room", "slot", "inmate", "visitor", "supervisor", "watched_by", "state", "ending",
  "article", "intervention", "alert", "quality", "min_seconds", "max_seconds", "order"];
const NUMBERS = new Set(["min_seconds", "max_seconds"]);
const DAY = 86_400_000; // ms; Shanghai has no daylight saving time

/** Reads the place that a fragment names: {part, query, session, at}. */
export function placeOf(fragment) {
  const values = new URLSearchParams(fragment.replace(/^#/, ""));
  const query = {};
  for (const name of FIELDS) if (values.get(name)) query[name] = values.get(name);
  const session = values.get("visit") ?? "";
  const at = Number(values.get("at"));
  const part = session ? "visit" : values.get("part") ?? "search";
  return { part, query, session, at: Number.isFinite(at) ? Math.max(0, at) : 0 };
}

/** Writes a search as a fragment; "" stands for the page as it opens. */
export function searchFragment(query) {
  const values = new URLSearchParams();
  for (const name of FIELDS) if (query[name]) values.set(name, query[name]);
  return values.toString();
}

export const visitFragment = (session, at = 0) => `visit=${encodeURIComponent(session)}${at ? `&at=${at.toFixed(1)}` : ""}`;
export const partFragment = (part) => (part === "search" ? "" : `part=${part}`);

/** Makes the body of the request; the day of `until` counts, too. */
export function requestOf(query, after = null, limit = 30) {
  const body = { limit };
  for (const name of FIELDS) if (query[name]) body[name] = NUMBERS.has(name) ? numberOr(query[name]) : query[name];
  if (after) body.after = after;
  return body;
}

/** A number; what is none is left to the server, which refuses it in words. */
const numberOr = (text) => (Number.isFinite(Number(text)) ? Number(text) : text);

/** The day that is `count` days after a day, as YYYY-MM-DD. */
export function dayAfter(day, count) {
  return dayOf(new Date(Date.parse(`${day}T12:00:00+08:00`) + count * DAY));
}

/** The weekday of a day, 1 for Monday to 7 for Sunday. */
export const weekdayOf = (day) => new Date(`${day}T12:00:00Z`).getUTCDay() || 7;

/** The last day before `today` that is this weekday. */
export function lastWeekday(today, weekday) {
  const back = (weekdayOf(today) - weekday + 7) % 7 || 7;
  return dayAfter(today, -back);
}

/** Quick choices of days: {since, until} for a name, `weekday-2` being the last Tuesday. */
export function quickDays(name, today) {
  const alone = (day) => ({ since: day, until: day });
  if (name === "today") return alone(today);
  if (name === "yesterday") return alone(dayAfter(today, -1));
  if (name === "week") return { since: dayAfter(today, -6), until: today };
  if (name === "last_week") {
    const monday = dayAfter(today, 1 - weekdayOf(today) - 7);
    return { since: monday, until: dayAfter(monday, 6) };
  }
  if (name === "month") return { since: `${today.slice(0, 8)}01`, until: today };
  return alone(lastWeekday(today, Number(name.slice(-1))));
}

/** Names of all quick choices, in order. */
export const QUICK = ["today", "yesterday", "week", "last_week", "month"];
