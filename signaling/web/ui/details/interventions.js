/**
 * Interventions: the buttons to warn, mute and stop, and the warnings with their confirmations by the rooms.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { shortSideKey, sideKey } from "../../i18n/session_words.js";
import { timeOfDay } from "../../state/clock.js";
import { SIDES, sidesOf, watchable } from "../../state/sessions.js";
import { el, icon, keyed, mark, put, show, swapIcon } from "../dom.js";

/** @param {{onWarn(), onMute(side), onStop()}} actions */
export function interventionsView({ onWarn, onMute, onStop }) {
  const warn = el("button", { type: "button", class: "hold", "aria-keyshortcuts": "W", on: { click: onWarn } }, icon("warn"), el("span", { t: "warn" }));
  const mutes = SIDES.map((side) => muteButton(side, onMute));
  const stop = el("button", { type: "button", class: "danger stop-button", "aria-keyshortcuts": "F9", on: { click: onStop } },
    icon("ended"), el("span", { t: "stop" }));
  const node = el("section", { class: "interventions", tLabel: "interventions" },
    el("div", { class: "intervention-buttons" }, warn, stop, ...mutes.map(({ node }) => node)));
  return {
    node,
    update({ session, site }) {
      show(node, watchable(session) && sidesOf(session, site).length > 0);
      mutes.forEach((button) => button.update(session, site));
    },
  };
}

function muteButton(side, onMute) {
  const words = el("span");
  const key = side === "prison" ? "M" : "Shift+M";
  const node = el("button", { type: "button", class: "mute", "aria-keyshortcuts": key, on: { click: () => onMute(side) } }, icon("sound"), words);
  return {
    node,
    update(session, site) {
      const mute = session.muted?.find((entry) => entry.side === side);
      node.setAttribute("aria-pressed", String(Boolean(mute)));
      node.disabled = Boolean(mute) && mute.site !== site; // only the site that muted a side unmutes it
      node.title = mute ? `${t("muted_by", { name: mute.by?.name ?? "" })} · ${mute.article}` : "";
      swapIcon(node, mute ? "muted" : "sound");
      put(words, t(mute ? "unmute_side" : "mute_side", { side: t(shortSideKey(session, side)) }));
    },
  };
}

/** The warnings of the visit, the newest first. */
export function warningsView() {
  const rows = new Map();
  const list = el("ul");
  const node = el("section", { class: "warnings", "aria-labelledby": "warnings-title" },
    el("h3", { id: "warnings-title", t: "warnings" }), list);
  return {
    node,
    update({ session }) {
      const warnings = [...(session.warnings ?? [])].reverse();
      show(node, warnings.length > 0);
      keyed(list, rows, warnings.map((warning) => ({ warning, session })), ({ warning }) => warning.id, warningRow);
    },
  };
}

function warningRow() {
  const head = el("span", { class: "quiet small" });
  const words = el("p");
  const sides = SIDES.map((side) => {
    const verdict = el("span");
    return { side, verdict, node: el("span", { class: "chip" }, icon("clock"), verdict) };
  });
  return {
    node: el("li", {}, head, words, el("span", { class: "line" }, ...sides.map(({ node }) => node))),
    update({ warning, session }) {
      put(head, `${timeOfDay(warning.at)} · ${warning.article} · ${warning.by?.name ?? ""}`);
      put(words, inWords(warning));
      for (const { side, verdict, node } of sides) {
        const confirmed = warning.acknowledged.includes(side);
        show(node, warning.sides.includes(side));
        mark(node, "level", confirmed ? "good" : "wait");
        swapIcon(node, confirmed ? "check" : "clock");
        put(verdict, `${t(shortSideKey(session, side))} ${t(confirmed ? "warning_confirmed" : "warning_waits")}`);
      }
    },
  };
}

/** Words for the changes of mutes and confirmations, for screen readers. */
export function interventionsChanged(before, after) {
  const words = [];
  for (const side of SIDES) {
    const [was, is] = [before, after].map((view) => view.muted?.some((entry) => entry.side === side) ?? false);
    if (was !== is) words.push(`${t(sideKey(after, side))} ${t(is ? "is_muted" : "is_heard")}`);
  }
  for (const warning of after.warnings ?? []) {
    const confirmed = before.warnings?.find(({ id }) => id === warning.id)?.acknowledged ?? [];
    for (const side of warning.acknowledged.filter((side) => !confirmed.includes(side))) {
      words.push(`${t(sideKey(after, side))} ${t("warning_confirmed")}`);
    }
  }
  return words;
}
