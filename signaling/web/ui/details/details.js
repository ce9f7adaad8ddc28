/**
 * Details of the chosen session: countdown, quorum, what is missing, check-in, interventions and actions.
 */
import { t } from "../../i18n/i18n.js";
import { namesOf, quorumLevel, quorumOf, reasonOf, sideKey, visitName, visitPlace } from "../../i18n/session_words.js";
import { minutesSeconds, timeOfDay, urgency } from "../../state/clock.js";
import { whyNot } from "../../state/grounds.js";
import { isBeforeStart, SIDES } from "../../state/sessions.js";
import { checkInView } from "../check_in/check_in.js";
import { el, icon, mark, put, rename, show, swapIcon } from "../dom.js";
import { recordingLight, stateBadge } from "../session_badges.js";
import { qualityPart } from "../wall/quality.js";
import { actsView } from "./acts.js";
import { extensionsView } from "./extension.js";
import { warningsView } from "./interventions.js";
import { missingPart } from "./missing.js";
import { notesView } from "./notes.js";
import { proposeView } from "./suspension.js";
import { talkbackView } from "./talkback.js";

const QUORUM_ICONS = { good: "check", idle: "clock", wait: "clock", bad: "warn" };

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
  const scroll = el("div", { class: "details-scroll" },
    head.node, missing.node, checkIn.node, extensions.node, quorum.node, warnings.node, propose.node, notes.node, quality.node);
  const body = el("div", { class: "details-body" }, scroll, talkback.node, acts.node);
  let shown = "";
  const empty = el("div", { class: "empty" }, icon("eye"), el("p", { t: "nothing_chosen" }));
  return {
    node: el("aside", { class: "details", tLabel: "details" }, empty, body),
    update(model) {
      show(empty, !model.session);
      show(body, Boolean(model.session));
      if (model.session) {
        parts.forEach((part) => part.update(model));
        placeAfter(checkIn.node, isBeforeStart(model.session) ? missing.node : notes.node);
        if (model.session.id !== shown) scroll.scrollTop = 0; // another visit is read from its top
        shown = model.session.id;
      }
      if (!model.supervises) [checkIn, talkback].forEach((part) => show(part.node, false));
    },
    tick: head.tick,
    focusNote: notes.focus,
  };
}

/** Puts a part behind another one, unless it stands there: moving takes the focus away. */
function placeAfter(node, before) {
  if (before.nextElementSibling !== node) before.after(node);
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
  const label = el("span", { class: "quiet small", t: "left" });
  const start = el("p", { class: "start" });
  const countdown = el("div", { class: "countdown" }, label, figure, el("strong", { class: "urgent-words" }));
  return {
    node: el("section", { class: "details-head" }, el("div", { class: "line" }, badge.node, gate, light.node, watch), title, place, slot, why, start, countdown),
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
      show(gate, !isBeforeStart(session)); // nothing is connected and recorded yet: the boxes need the room
      show(light.node, !isBeforeStart(session) || session.recording.state !== "none");
      mark(gate, "level", session.gate === "open" ? "good" : "idle");
      put(gate.lastChild, t(`gate_${session.gate}`));
      put(why, reasonOf(session));
      show(why, Boolean(session.reason));
      mark(why, "state", session.state);
      const begins = startWords(session);
      show(start, begins !== "");
      put(start, begins);
    },
    tick(ms) {
      const level = urgency(ms);
      show(countdown, ms !== null); // no clock that does not run
      mark(countdown, "urgency", level);
      put(figure, ms === null ? "" : minutesSeconds(ms));
      put(countdown.lastChild, level ? t(`last_${level}`) : "");
    },
  };
}

/** When a visit begins, or what it waits for; "" once its time runs, and after its end. */
function startWords({ state, starts_at: at, remaining_ms: left }) {
  if (state === "ended" || left != null) return "";
  return t(["live", "held"].includes(state) ? "not_begun" : `starts_${state}`, { time: timeOfDay(at) });
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
        const level = quorumLevel(session, side);
        mark(node, "level", level);
        put(figure, `${have.length} / ${need}`);
        swapIcon(verdict, QUORUM_ICONS[level]);
        put(words, t(reached ? "quorum_reached" : "quorum_short", { short }));
        put(names, namesOf(have));
        put(site, session.sides[side].site_name);
      }
    },
  };
}

/** Procurators by name, each with the reason of the inspection. */
const observersIn = (looking) => looking.map(({ name, reason }) => (reason ? t("observer_why", { name, reason }) : name)).join(t("and_then"));
