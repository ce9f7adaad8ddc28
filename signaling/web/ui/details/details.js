/**
 * Details of the chosen session: countdown, quorum, what is missing, check-in, interventions and actions.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { namesOf, quorumOf, reasonOf, sideKey, visitName, visitPlace } from "../../i18n/session_words.js";
import { minutesSeconds, timeOfDay, urgency } from "../../state/clock.js";
import { whyNot } from "../../state/grounds.js";
import { SIDES } from "../../state/sessions.js";
import { checkInView } from "../check_in/check_in.js";
import { el, icon, keyed, mark, put, rename, show, swapIcon } from "../dom.js";
import { recordingLight, stateBadge } from "../session_badges.js";
import { keepSheetOf } from "../sheet.js";
import { qualityPart } from "../wall/quality.js";
import { actsView } from "./acts.js";
import { extensionsView } from "./extension.js";
import { warningsView } from "./interventions.js";
import { notesView } from "./notes.js";
import { proposeView } from "./suspension.js";
import { talkbackView } from "./talkback.js";

/** @param {object} actions see app/actions.js */
export function detailsView(actions) {
  const head = headPart(actions);
  const quorum = quorumPart();
  const missing = missingPart();
  const quality = qualityPart();
  const checkIn = checkInView(actions);
  const extensions = extensionsView(actions);
  const propose = proposeView(actions);
  const warnings = warningsView();
  const notes = notesView(actions.onNote);
  const talkback = talkbackView(actions);
  const acts = actsView(actions);
  const parts = [head, extensions, propose, quorum, missing, quality, checkIn, warnings, notes, talkback, acts];
  const body = el("div", { class: "details-body" },
    el("div", { class: "details-scroll" }, head.node, extensions.node, missing.node, quorum.node, warnings.node, propose.node, notes.node, checkIn.node, quality.node),
    talkback.node, acts.node);
  const empty = el("div", { class: "empty" }, icon("eye"), el("p", { t: "nothing_chosen" }));
  return {
    node: el("aside", { class: "details", tLabel: "details" }, empty, body),
    update(model) {
      show(empty, !model.session);
      show(body, Boolean(model.session));
      if (model.session) parts.forEach((part) => part.update(model));
      if (!model.supervises) [checkIn, talkback].forEach((part) => show(part.node, false));
      keepSheetOf(model.session);
    },
    tick: head.tick,
    focusNote: notes.focus,
  };
}

function headPart({ onWatch }) {
  const badge = stateBadge();
  const title = el("h2");
  const place = el("p", { class: "place quiet" });
  const watchWords = el("span", { t: "watch_this" });
  const watch = el("button", { type: "button", class: "small-button watch-this", on: { click: onWatch } }, icon("eye"), watchWords);
  const slot = el("p", { class: "quiet small" });
  const gate = el("span", { class: "chip" }, icon("link"), el("span"));
  const light = recordingLight();
  const why = el("p", { class: "why" });
  const figure = el("output", { class: "figure", role: "timer", "aria-live": "off" });
  const label = el("span", { class: "quiet small" });
  const countdown = el("div", { class: "countdown" }, label, figure, el("strong", { class: "urgent-words" }));
  return {
    node: el("section", { class: "details-head" }, el("div", { class: "line" }, badge.node, gate, light.node), title, place, el("div", { class: "line" }, slot, watch), why, countdown),
    update(model) {
      const { session } = model;
      const watched = whyNot(session, model).watch;
      watch.disabled = watched !== "";
      rename(watchWords, watched === "is_watched" ? "why_not_is_watched" : "watch_this");
      show(watch, model.supervises);
      badge.update(session);
      light.update(session);
      put(title, visitName(session));
      put(place, visitPlace(session));
      put(slot, t("slot", { from: timeOfDay(session.starts_at), to: timeOfDay(session.ends_at), minutes: session.minutes }));
      mark(gate, "level", session.gate === "open" ? "good" : "idle");
      put(gate.lastChild, t(`gate_${session.gate}`));
      put(why, reasonOf(session));
      show(why, Boolean(session.reason));
      mark(why, "state", session.state);
      show(countdown, session.state !== "ended");
    },
    tick(ms, session) {
      const level = urgency(ms);
      mark(countdown, "urgency", level);
      put(label, t(ms === null ? "not_begun" : "left"));
      put(figure, ms === null ? minutesSeconds((session?.minutes ?? 0) * 60_000) : minutesSeconds(ms));
      put(countdown.lastChild, level ? t(`last_${level}`) : "");
    },
  };
}

function quorumPart() {
  const sides = SIDES.map((side) => {
    const figure = el("strong", { class: "quorum-figure" });
    const words = el("span");
    const verdict = el("span", { class: "verdict" }, icon("check"), words);
    const names = el("span", { class: "names" });
    const site = el("span", { class: "quiet small" });
    const name = el("span", { t: `side_${side}` });
    const node = el("li", { class: "quorum-side" },
      name, site, el("span", { class: "line" }, figure, verdict), names);
    return { side, node, name, figure, words, verdict, names, site };
  });
  const observers = el("p", { class: "observers small", role: "status" });
  const section = el("section", { class: "quorum", "aria-labelledby": "quorum-title" },
    el("h3", { id: "quorum-title", t: "quorum" }), el("ul", {}, ...sides.map(({ node }) => node)), observers);
  return {
    node: section,
    update({ session }) {
      show(section, session.state !== "ended"); // no supervisor has to be present any more
      const looking = session.observers ?? [];
      put(observers, looking.length ? t("observers", { names: observersIn(looking) }) : "");
      show(observers, looking.length > 0);
      for (const { side, node, name, figure, words, verdict, names, site } of sides) {
        rename(name, sideKey(session, side));
        const { need, have, short, reached } = quorumOf(session, side);
        mark(node, "level", reached ? "good" : session.state === "scheduled" ? "idle" : "bad");
        put(figure, `${have.length} / ${need}`);
        swapIcon(verdict, reached ? "check" : session.state === "scheduled" ? "clock" : "warn");
        put(words, t(reached ? "quorum_reached" : "quorum_short", { short }));
        put(names, namesOf(have));
        put(site, session.sides[side].site_name);
      }
    },
  };
}

/** Procurators by name, each with the reason of the inspection. */
const observersIn = (looking) => looking.map(({ name, reason }) => (reason ? t("observer_why", { name, reason }) : name)).join(t("and_then"));

function missingPart() {
  const rows = new Map();
  const list = el("ul");
  const node = el("section", { class: "missing", "aria-labelledby": "missing-title" },
    el("h3", { id: "missing-title", t: "missing" }), list);
  return {
    node,
    update({ session }) {
      const shown = session.reason?.code; // the head shows it already
      const items = session.state === "ended" ? [] : session.missing.filter(({ code }) => code !== shown);
      show(node, items.length > 0);
      keyed(list, rows, items, (item) => `${item.code}/${item.person ?? item.zh}`, () => {
        const words = el("span");
        return { node: el("li", {}, icon("warn"), words), update: (item) => put(words, inWords(item)) };
      });
    },
  };
}
