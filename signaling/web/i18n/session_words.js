/**
 * Words about a session that several views and messages need alike.
 */
import { SIDES } from "../state/sessions.js";
import { inWords, t } from "./i18n.js";

/** Both rooms by name, the prison's first. */
export const roomNames = (session) => SIDES.map((side) => session.sides[side].room_name).join(" ⇄ ");

/** The quorum of one side: {need, have, short, reached}. */
export function quorumOf(session, side) {
  const { need, have } = session.quorum[side];
  return { need, have, short: Math.max(0, need - have.length), reached: have.length >= need };
}

/** The names of the officers who are present, or that there are none. */
export const namesOf = (have) => (have.length ? have.map(({ name }) => name).join(t("and_names")) : t("nobody_there"));

/** Why a session is held or over, in words with the article's code. */
export function reasonOf(session) {
  if (!session.reason) return "";
  const article = session.reason.article ? ` · ${session.reason.article}` : "";
  return inWords(session.reason) + article;
}

/** Minutes, or seconds where they are not whole minutes. */
export function lengthOf(seconds) {
  return seconds % 60 ? t("span_seconds", { seconds }) : t("span_minutes", { minutes: seconds / 60 });
}
