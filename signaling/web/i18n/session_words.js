/**
 * Words about a session that several views and messages need alike.
 */
import { cited } from "./citations.js";
import { timeOfDay } from "../state/clock.js";
import { isCheckedIn, roomOf } from "../state/sessions.js";
import { endsOf, roomsOf } from "../state/visit_names.js";
import { inWords, t } from "./i18n.js";

/**
 * The name of a visit wherever officers read one: the prisoner and the county (王建国 ⇄ 官渡区司法局); between two prisons
 * both prisoners. Visits that would read alike carry what sets them apart (state/visit_names.js). A drill says that it is.
 */
export function visitName(session) {
  const { near, far, place } = endsOf(session);
  const ends = `${joined(near)} ⇄ ${far.length ? t("prisoner_of", { name: joined(far), place }) : place}`;
  const apart = session.apart?.length ? t("apart", { facts: session.apart.join(t("apart_and")) }) : "";
  return (session.drill ? `${t("drill")} · ` : "") + ends + apart;
}

const MOST_NAMES = 2;
/** The names of a side; of many the first, and how many they are. */
const joined = (names) => (names.length > MOST_NAMES
  ? t("names_and_more", { name: names[0], count: names.length }) : names.join(t("and_names")));

/** Where a visit is: both rooms by name. It stands second, after the visit's name. */
export const visitPlace = (session) => roomsOf(session);

/** Where the room of a side is, in words: connected, its line broken since when, or not come yet. */
export function roomWords(session, side) {
  const [room, at] = [roomOf(session, side), session.sides[side].lost_at];
  return room === "lost" && at ? t("room_lost_since", { time: timeOfDay(at) }) : t(`room_${room}`);
}

/** A visit in one line, for dialogs and hints: name and rooms. */
export const visitLine = (session) => `${visitName(session)} · ${visitPlace(session)}`;

/** The quorum of one side: {need, have, short, reached}. */
export function quorumOf(session, side) {
  const { need, have } = session.quorum[side];
  return { need, have, short: Math.max(0, need - have.length), reached: have.length >= need };
}

/** How a quorum is shown: red is for a visit that goes on without it; before the start nothing is wrong yet. */
export function quorumLevel(session, side) {
  if (quorumOf(session, side).reached) return "good";
  return isCheckedIn(session) ? "wait" : session.state === "scheduled" ? "idle" : "bad";
}

/** The keys of a side's name: the visitor side of a visit or an absence between two prisons is no family. */
const partOf = ({ between_inmates: between }, side) => (side === "visitor" && between ? "second" : side);
export const sideKey = (visit, side) => `side_${partOf(visit, side)}`;
export const shortSideKey = (visit, side) => `side_short_${partOf(visit, side)}`;

/** The key of those to whom an officer speaks: one side or both. */
export const talkbackKey = (visit, sides) => `talkback_to_${sides.length === 2 ? "both" : partOf(visit, sides[0])}`;

/** The names of the officers who are present, or that there are none. */
export const namesOf = (have) => (have.length ? have.map(({ name }) => name).join(t("and_names")) : t("nobody_there"));

/** A ground as officers say it (第十六条第（二）项); one that stands in no article by its own words. */
export const citation = (ground) => inWords(cited(ground.code, ground.article ?? ""));

/** The article of a code as officers say it; "" for a code that stands in none. */
export const citationOf = (code) => inWords(cited(code ?? ""));

/** Why a session is held or over, in words with the article. */
export function reasonOf(session) {
  if (!session.reason) return "";
  const said = citationOf(session.reason.article);
  const article = said ? ` · ${said}` : "";
  const issuer = session.reason.issuer ? ` · ${t(`issuer_${session.reason.issuer}`)}` : "";
  return inWords(session.reason) + article + issuer;
}

/** Minutes, or seconds where they are not whole minutes. */
export function lengthOf(seconds) {
  return seconds % 60 ? t("span_seconds", { seconds }) : t("span_minutes", { minutes: seconds / 60 });
}
