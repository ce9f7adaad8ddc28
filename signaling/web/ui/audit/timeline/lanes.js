/**
 * The lanes of a visit's timeline, from what the server sends: each item has a place in the film, a level and words.
 */
import { codeWords, percent } from "../../../i18n/audit_words.js";
import { inWords, t } from "../../../i18n/i18n.js";
import { citationOf } from "../../../i18n/session_words.js";
import { filmTime } from "../../../state/film_time.js";
import { SIDES } from "../../../state/sessions.js";

const INTERVENTION_LEVELS = { warning: "wait", mute: "wait", hold: "bad", end: "bad" };

/**
 * Makes the lanes. @returns {Array<{key: string, name: string, items: Array<{at, to, level, words, point, listed}>}>}
 * `listed`: the item stands in the list in words, too
 */
export function lanesOf(visit) {
  const lanes = visit.lanes ?? {};
  const two = (make) => SIDES.map((side) => make(side, t(`side_short_${side}`)));
  const made = [
    lane("states", t("audit_lane_states"), (lanes.states ?? []).map(stateItem)),
    lane("holds", t("audit_lane_holds"), (lanes.holds ?? []).map((hold) => span(hold, "bad", `${t("audit_hold")}${t("colon")}${inWords(hold)}`, true))),
    lane("interventions", t("audit_lane_interventions"), (lanes.interventions ?? []).map(interventionItem)),
    lane("alerts", t("audit_lane_alerts"), (lanes.alerts ?? []).map((alert) => point(alert, "wait", `${t("audit_alert")}${t("colon")}${inWords(alert)}`))),
    lane("marks", t("audit_lane_marks"), (visit.marks ?? []).filter(({ withdrawn_at: gone }) => !gone).map(markItem)),
    lane("gaps", t("audit_lane_gaps"), (lanes.gaps ?? []).map(gapItem)),
    ...two((side, name) => lane(`speech-${side}`, `${name} ${t("audit_lane_speech")}`, (lanes.speech?.[side] ?? []).map((stretch) => speechItem(stretch, name)))),
    lane("speech-supervisors", t("audit_lane_officers"), (lanes.speech?.supervisors ?? []).map((stretch) => speechItem(stretch, t("audit_voice_supervisors"))), true),
    ...two((side, name) => lane(`quality-${side}`, `${name} ${t("audit_lane_quality")}`, qualityOf(visit, side).map((each) => qualityItem(each, name)))),
    ...sorted(visit.supervisors ?? []).map((officer) => lane(`officer-${officer.id}`, officerName(officer), (officer.present ?? []).map((stretch) => presentItem(stretch, officer)))),
    lane("extension", t("audit_lane_extension"), (lanes.extension ?? []).map(extensionItem), true),
  ];
  return made.filter(({ items, optional }) => items.length || !optional);
}

/** The name of an officer with the side; an old recording may not say it. */
export const officerName = ({ name, side }) => (side ? `${t(`side_short_${side}`)} · ${name}` : name);

const lane = (key, name, items, optional = false) => ({ key, name, items, optional });
const span = ({ at, to }, level, words, listed = false) => ({ at, to: Math.max(to ?? at, at), level, words, point: false, listed });
const point = ({ at }, level, words) => ({ at, to: at, level, words, point: true, listed: true });

const RANK = { prison: 0, visitor: 1 };
const sorted = (officers) => [...officers].sort((a, b) => (RANK[a.side] ?? 2) - (RANK[b.side] ?? 2));

/** The quality of a side over the whole film: what the server does not name is good, where it has looked at all. */
function qualityOf(visit, side) {
  const named = visit.lanes?.quality?.[side] ?? [];
  if (!visit.quality?.[side] || !visit.film_seconds) return named;
  const whole = [];
  let at = 0;
  for (const each of [...named, { at: visit.film_seconds, to: visit.film_seconds }]) {
    if (each.at > at) whole.push({ at, to: each.at, level: "good" });
    if (each.level) whole.push(each);
    at = Math.max(at, each.to);
  }
  return whole;
}

const stateItem = (each) => span(each, `state-${each.state}`, `${t("audit_lane_states")}${t("colon")}${t(`state_${each.state}`)}`, true);

function interventionItem(each) {
  const about = [...(each.sides ?? []).map((side) => t(`side_short_${side}`)), each.by_name].filter(Boolean).join(t("and_then"));
  const deed = [codeWords("intervention", each.kind), citationOf(each.article)].filter(Boolean).join(" ");
  const words = [inWords(each), each.text].filter(Boolean).join(" ");
  const item = point(each, INTERVENTION_LEVELS[each.kind] ?? "done", `${deed}${t("colon")}${words}${t("audit_in_brackets", { words: about })}`);
  return { ...item, mark: each.kind };
}

/** A gap with its cause and what crossed meanwhile: one sentence of the server's, as it stands in exports, too. */
const gapItem = (gap) => span(gap, "gap", `${t("audit_gap")}${t("colon")}${inWords(gap)}`, true);

function markItem(made) {
  const words = `${codeWords("mark", made.kind)}${t("colon")}${made.text}${t("and_then")}${made.by_name}`;
  return made.to ? span(made, "done", words, true) : point(made, "done", words);
}

function speechItem([at, to], name) {
  return span({ at, to }, "speech", `${t("audit_speaks", { name })} ${filmTime(at)}–${filmTime(to)}`);
}

function qualityItem(each, name) {
  return span(each, `quality-${each.level}`, `${name}${t("colon")}${t("quality")} ${codeWords("quality", each.level)}`, each.level !== "good");
}

function presentItem([at, to], officer) {
  return span({ at, to }, "present", t("audit_present", { name: officer.name, time: `${filmTime(at)}–${filmTime(to)}` }));
}

function extensionItem(each) {
  const words = t(`audit_extension_${each.what ?? "approved"}`, { minutes: +(each.seconds / 60).toFixed(1), name: each.by_name ?? "" });
  return point(each, each.what === "requested" ? "wait" : "done", [words, citationOf(each.article), each.reason].filter(Boolean).join(" · "));
}

/** All that the list tells in words, in the order of the film. */
export function listedItems(lanes) {
  return lanes.flatMap(({ items, key }) => items.filter(({ listed }) => listed).map((item) => ({ ...item, lane: key })))
    .sort((a, b) => a.at - b.at);
}

/** How much was spoken and watched, in words: what the list says instead of a line for each word that was spoken. */
export function shareWords(visit, length) {
  const sum = (stretches) => (stretches ?? []).reduce((total, [at, to]) => total + to - at, 0);
  const share = (seconds) => (length ? percent(Math.min(1, seconds / length)) : "—");
  const heard = SIDES.some((side) => visit.lanes?.speech?.[side]?.length); // an old recording was never listened to
  const spoken = !heard ? [] : SIDES.map((side) => t("audit_spoke", { name: t(`side_short_${side}`), time: filmTime(sum(visit.lanes?.speech?.[side])), share: share(sum(visit.lanes?.speech?.[side])) }));
  const watched = sorted(visit.supervisors ?? []).map((officer) => t("audit_watched", {
    name: officerName(officer), time: filmTime(officer.seconds ?? sum(officer.present)), share: share(officer.seconds ?? sum(officer.present)) }));
  return [...spoken, ...watched];
}
