/**
 * Warn, mute and stop on the desk; what has been warned of and whether the rooms have confirmed it.
 */
import { timeOfDay } from "../clock.js";
import { el, icon, keyed, mark, put, show, swapIcon } from "../dom.js";
import { inWords, t } from "../i18n.js";
import { SIDES, sidesOf, watchable } from "../sessions.js";

/** The buttons. @param {{onWarn(), onMute(side), onStop()}} acts */
export function actsView({ onWarn, onMute, onStop }) {
  const warn = el("button", { type: "button", class: "hold", "aria-keyshortcuts": "W", on: { click: onWarn } }, icon("warn"), el("span", { t: "warn" }));
  const mutes = SIDES.map((side) => muteButton(side, onMute));
  const stop = el("button", { type: "button", class: "danger stop-button", "aria-keyshortcuts": "F9", on: { click: onStop } },
    icon("ended"), el("span", { t: "stop" }));
  const node = el("section", { class: "acts", tLabel: "acts" },
    el("div", { class: "act-buttons" }, warn, stop, ...mutes.map((one) => one.node)));
  return {
    node,
    update({ session, site }) {
      show(node, watchable(session) && sidesOf(session, site).length > 0);
      mutes.forEach((one) => one.update(session, site));
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
      const why = session.muted?.find((one) => one.side === side);
      node.setAttribute("aria-pressed", String(Boolean(why)));
      node.disabled = Boolean(why) && why.site !== site; // lifted by its own site
      node.title = why ? `${t("muted_by", { name: why.by?.name ?? "" })} · ${why.article}` : "";
      swapIcon(node, why ? "muted" : "sound");
      put(words, t(why ? "unmute_side" : "mute_side", { side: t(`side_short_${side}`) }));
    },
  };
}

/** The warnings that were given, the newest first. */
export function warningsView() {
  const rows = new Map();
  const list = el("ul");
  const node = el("section", { class: "warnings", "aria-labelledby": "warnings-title" },
    el("h3", { id: "warnings-title", t: "warnings" }), list);
  return {
    node,
    update({ session }) {
      const given = [...(session.warnings ?? [])].reverse();
      show(node, given.length > 0);
      keyed(list, rows, given, ({ id }) => id, warningRow);
    },
  };
}

function warningRow() {
  const head = el("span", { class: "quiet small" });
  const words = el("p");
  const sides = SIDES.map((side) => {
    const said = el("span");
    return { side, said, node: el("span", { class: "chip" }, icon("clock"), said) };
  });
  return {
    node: el("li", {}, head, words, el("span", { class: "line" }, ...sides.map(({ node }) => node))),
    update(one) {
      put(head, `${timeOfDay(one.at)} · ${one.article} · ${one.by?.name ?? ""}`);
      put(words, inWords(one));
      for (const { side, said, node } of sides) {
        const confirmed = one.acknowledged.includes(side);
        show(node, one.sides.includes(side));
        mark(node, "level", confirmed ? "good" : "wait");
        swapIcon(node, confirmed ? "check" : "clock");
        put(said, `${t(`side_short_${side}`)} ${t(confirmed ? "warning_confirmed" : "warning_waits")}`);
      }
    },
  };
}

/** What has changed of warnings and mutes, in words for those who do not see it. */
export function actsChanged(before, after) {
  const words = [];
  for (const side of SIDES) {
    const [was, is] = [before, after].map((view) => view.muted?.some((one) => one.side === side) ?? false);
    if (was !== is) words.push(`${t(`side_${side}`)} ${t(is ? "is_muted" : "is_heard")}`);
  }
  for (const one of after.warnings ?? []) {
    const known = before.warnings?.find(({ id }) => id === one.id)?.acknowledged ?? [];
    for (const side of one.acknowledged.filter((side) => !known.includes(side))) {
      words.push(`${t(`side_${side}`)} ${t("warning_confirmed")}`);
    }
  }
  return words;
}
