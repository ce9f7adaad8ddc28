/**
 * The visits that a search has found, a row each, with a still picture of both sides.
 */
import { posterOf } from "../../api/audit.js";
import { codeWords, endingOf, interventionOf, lastDayOf, peopleOf, percent, placesOf } from "../../i18n/audit_words.js";
import { onLanguage, t } from "../../i18n/i18n.js";
import { visitFragment } from "../../state/audit_query.js";
import { dayOf, timeOfDay, wholeDate } from "../../state/clock.js";
import { filmTime } from "../../state/film_time.js";
import { SIDES } from "../../state/sessions.js";
import { el, icon, keyed, put, show } from "../dom.js";
import { failureView } from "./failure.js";
import { queryWords } from "./search_form.js";

/** @param {() => void} onMore asks for the next page */
export function resultsView(onMore) {
  const rows = new Map();
  const list = el("ol", { class: "audit-results", tLabel: "audit_results" });
  const title = el("h2", { tabindex: "-1" });
  const words = el("p", { class: "quiet small" });
  const busy = el("p", { class: "audit-busy", role: "status", hidden: true }, el("progress", { tLabel: "loading" }), el("span", { t: "audit_searching" }));
  const empty = el("p", { class: "empty", hidden: true }, icon("eye"), el("span", { t: "audit_none" }), el("span", { class: "small", t: "audit_none_hint" }));
  const first = el("p", { class: "empty", t: "audit_first" });
  const more = el("button", { type: "button", class: "wide", t: "audit_show_more", hidden: true, on: { click: onMore } });
  const failure = failureView();
  const node = el("section", { class: "audit-found", "aria-busy": "false" }, title, words, busy, first, empty, list, more, failure.node);
  let shown = null;
  let isFailed = false; // the failure stands in the place of the button for more

  function write() {
    if (!shown) return;
    const { query, visits, found, hasMore, next } = shown;
    put(title, t(hasMore ? "audit_found_more" : "audit_found", { count: found }));
    put(words, queryWords(query));
    keyed(list, rows, visits, ({ session }) => session, resultRow);
    show(empty, visits.length === 0);
    show(more, next !== null && !isFailed);
  }
  onLanguage(() => {
    for (const view of rows.values()) view.node.remove();
    rows.clear();
    write();
  });

  return {
    node,
    waiting(on) {
      node.ariaBusy = String(on);
      show(busy, on);
      more.disabled = on;
      if (!on) return;
      isFailed = false;
      show(first, false);
      failure.clear();
    },
    /** Says that a search has failed, under what it had found before where more was asked for. */
    fail(problem, onRetry) {
      isFailed = true;
      if (shown === null) for (const part of [first, title, words, empty, list]) show(part, false);
      show(more, false);
      failure.tell(problem, onRetry);
    },
    /** @param {{query, visits, found, hasMore, next} | null} model null while nothing was searched */
    update(model) {
      shown = model;
      isFailed = false;
      failure.clear();
      show(first, model === null);
      for (const part of [title, words, list]) show(part, model !== null);
      if (model) write();
      else [empty, more].forEach((part) => show(part, false));
    },
    focus: () => title.focus(),
  };
}

function resultRow(visit) {
  const link = el("a", { class: "audit-row", href: `#${visitFragment(visit.session)}` });
  return {
    node: el("li", {}, link),
    update(row) {
      link.replaceChildren(poster(row), when(row), who(row), el("div", { class: "audit-chips" }, ...chipsOf(row)));
    },
  };
}

/** The still picture of both sides; an empty frame where there is none. */
function poster(row) {
  if (!row.recording?.poster) return el("span", { class: "poster none", "aria-hidden": "true" }, icon(row.recording ? "live" : "cross"));
  const image = el("img", { class: "poster", src: posterOf(row.session), alt: "", loading: "lazy", width: "192", height: "54" });
  image.addEventListener("error", () => image.replaceWith(el("span", { class: "poster none", "aria-hidden": "true" }, icon("live"))));
  return image;
}

function when(row) {
  const length = row.seconds === null ? codeWords("state", row.state) : t("audit_lasted", { time: filmTime(row.seconds) });
  return el("div", { class: "audit-when" }, el("strong", {}, `${dayOf(new Date(row.starts_at))} ${timeOfDay(row.began_at ?? row.starts_at)}`), el("span", { class: "small quiet" }, length));
}

function who(row) {
  const slot = row.external_id ?? row.slot;
  return el("div", { class: "audit-who" }, el("strong", {}, peopleOf(row)), el("span", { class: "small quiet" }, placesOf(row)),
    ...(slot ? [el("span", { class: "small quiet" }, `${t("audit_by_slot")} ${slot}`)] : []));
}

/** What stands out in a visit, in short: ending, interventions, alerts, who watched, quality, marks, and what is due. */
export function chipsOf(row) {
  const made = [chip(row.ending?.article ? "bad" : "", endingOf(row))];
  for (const each of row.interventions ?? []) made.push(chip("wait", interventionOf(each)));
  if (row.alerts) made.push(chip("", t("audit_alerts_count", { count: row.alerts })));
  if (row.coverage) {
    const least = Math.min(row.coverage.prison, row.coverage.visitor);
    made.push(chip(least < 1 ? "wait" : "good", t("audit_covered", { share: percent(least) })));
  }
  const worst = SIDES.map((side) => row.quality?.[side]).find((level) => level === "poor") ?? SIDES.map((side) => row.quality?.[side]).find((level) => level === "fair");
  if (worst) made.push(chip(worst === "poor" ? "bad" : "wait", t("audit_quality_chip", { level: codeWords("quality", worst) })));
  if (row.recording?.held) made.push(chip("done", t("audit_held")));
  if (row.recording?.due_at) made.push(chip("", t("audit_due", { day: lastDayOf(row.recording.due_at) })));
  if (row.marks) made.push(chip("done", t("audit_marks_count", { count: row.marks })));
  if (row.relisten?.state === "due") made.push(chip("wait", t("audit_relisten_due", { at: wholeDate(row.relisten.due_at) })));
  if (row.relisten?.state === "overdue") made.push(chip("bad", t("audit_relisten_overdue", { at: wholeDate(row.relisten.due_at) })));
  return made;
}

const chip = (level, words) => el("span", { class: "chip", data: { level } }, words);
