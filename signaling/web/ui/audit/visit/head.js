/**
 * Who met where and how it ended: the part of a visit that is read before the film.
 */
import { codeWords, endingOf, languageName, lastDayOf, peopleOf, percent, placesOf } from "../../../i18n/audit_words.js";
import { onLanguage, t } from "../../../i18n/i18n.js";
import { dayOf, timeOfDay, wholeDate } from "../../../state/clock.js";
import { filmTime } from "../../../state/film_time.js";
import { SIDES } from "../../../state/sessions.js";
import { el } from "../../dom.js";

export function headView(visit) {
  const title = el("h1", { tabindex: "-1", class: "visit-title" });
  const list = el("dl", { class: "visit-list" });
  const write = () => {
    title.replaceChildren(`${dayOf(new Date(visit.starts_at))} ${timeOfDay(visit.began_at ?? visit.starts_at)}　${peopleOf(visit)}`);
    list.replaceChildren(...rowsOf(visit).flatMap(([name, words]) => [el("dt", {}, name), el("dd", {}, words)]));
  };
  write();
  const stop = onLanguage(write);
  return { title, list, close: stop, focus: () => title.focus() };
}

function rowsOf(visit) {
  const rows = [
    [t("audit_places"), placesOf(visit)],
    [t("audit_by_ending"), endingOf(visit)],
    [t("audit_length"), visit.seconds === null ? codeWords("state", visit.state) : `${filmTime(visit.seconds)}${visit.began_at ? ` (${timeOfDay(visit.began_at)}–${visit.ended_at ? timeOfDay(visit.ended_at) : "…"})` : ""}`],
    [t("audit_by_slot"), visit.external_id ?? visit.slot],
  ];
  for (const side of SIDES) {
    const people = (visit.people ?? []).filter((person) => person.side === side);
    if (people.length) rows.push([t(`side_short_${side}`), people.map(({ name, relation }) => `${name ?? t("audit_name_gone")}${relation ? ` (${relation})` : ""}`).join(t("and_names"))]);
  }
  if (visit.approved_by) rows.push([t("audit_approved"), `${visit.approved_by}${visit.article ? ` · ${visit.article}` : ""}`]);
  if (visit.language) rows.push([t("audit_language"), languageName(visit.language)]);
  for (const side of SIDES) {
    const officers = (visit.supervisors ?? []).filter((officer) => officer.side === side);
    if (officers.length || visit.coverage) rows.push([t("audit_officers_of", { side: t(`side_short_${side}`) }),
      `${officers.map(({ name }) => name).join(t("and_names")) || t("nobody_there")}${visit.coverage ? ` · ${t("audit_covered", { share: percent(visit.coverage[side]) })}` : ""}`]);
  }
  for (const { by, reason, begun_at } of visit.inspections ?? []) rows.push([t("audit_inspected"), `${by.name} · ${wholeDate(begun_at)} · ${reason}`]);
  if (visit.pack) rows.push([t("audit_pack"), `${visit.pack.name} ${visit.pack.version} · ${visit.pack.sha256.slice(0, 12)}`]);
  if (visit.recording?.due_at) rows.push([t("audit_kept_until"), lastDayOf(visit.recording.due_at)]);
  return rows;
}
