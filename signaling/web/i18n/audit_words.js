/**
 * Words about a visit that several parts of the auditors' page need alike.
 */
import { SIDES } from "../state/sessions.js";
import { dayOf } from "../state/clock.js";
import { filmTime } from "../state/film_time.js";
import { CATALOGS, inWords, language, t } from "./i18n.js";
import { citationOf } from "./session_words.js";

/** The words for a code that the server sends without words: those of the page, else the code itself. */
export function codeWords(kind, code) {
  return CATALOGS[language()][`audit_${kind}_${code}`] ?? code;
}

/** The places of a visit: site and room of both sides. */
export const placesOf = (visit) => SIDES.map((side) => `${visit[side].site_name} · ${visit[side].room_name}`).join(" ⇄ ");

/** The name of a language by its tag, as this browser knows it. */
export function languageName(tag) {
  try {
    return new Intl.DisplayNames([language() === "zh" ? "zh-CN" : "en"], { type: "language" }).of(tag);
  } catch {
    return tag; // no tag of BCP 47
  }
}

/** The inmate and the visitors; their names go when the recording goes. */
export function peopleOf(visit) {
  if (!visit.named) return t("audit_names_gone");
  const visitors = visit.visitors.length ? visit.visitors.join(t("and_names")) : t("audit_no_visitors");
  return `${visit.inmate ?? "—"} ⇄ ${visitors}`;
}

/** The last day on which a recording is kept: it may go at the first moment of the next one. */
export const lastDayOf = (due) => dayOf(new Date(Date.parse(due) - 1));

/** How the visit ended, with its article. */
export function endingOf(visit) {
  if (!visit.ending) return codeWords("state", visit.state);
  return [inWords(visit.ending), citationOf(visit.ending.article)].filter(Boolean).join(" · ");
}

/** One kind of interventions with its article and how often: "劝阻 · 第十六条第（二）项 ×2". */
export function interventionOf({ kind, article, count }) {
  return [codeWords("intervention", kind), citationOf(article)].filter(Boolean).join(" · ") + (count > 1 ? ` ×${count}` : "");
}

/** A stretch of a film: "3:07–3:15", or its beginning alone. */
export const stretchOf = ({ at, to }) => (to == null || to === at ? filmTime(at) : `${filmTime(at)}–${filmTime(to)}`);
export const percent = (share) => `${Math.round(share * 100)}%`;
