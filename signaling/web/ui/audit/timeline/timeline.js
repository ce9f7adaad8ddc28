/**
 * The timeline under the player: a picture or a list of the same, one at a time; the choice stays for the next visit.
 */
import { onLanguage } from "../../../i18n/i18n.js";
import { readText, writeText } from "../../../state/storage.js";
import { el, mark, show } from "../../dom.js";
import { chartView } from "./chart.js";
import { lanesOf, listedItems } from "./lanes.js";
import { listView } from "./list.js";

const KEY = "huijian.audit.timeline";
const FORMS = ["chart", "list"];
const NEAR = 0.5; // seconds within which an event counts as reached

/** The latest second of anything in the lanes, for a visit under way, which has no length yet. */
const endOf = (lanes) => Math.max(0, ...lanes.flatMap(({ items }) => items.map(({ at, to }) => to ?? at)));

/** @param {(second: number) => void} onSeek */
export function timelineView(onSeek) {
  const parts = { chart: chartView(onSeek), list: listView(onSeek) };
  const buttons = FORMS.map((form) => el("button", { type: "button", class: "small-button", t: `audit_as_${form}`, data: { form }, on: { click: () => choose(form) } }));
  const node = el("section", { class: "timeline", "aria-labelledby": "timeline-title" },
    el("div", { class: "line" }, el("h2", { id: "timeline-title", t: "audit_timeline" }), el("span", { class: "spring" }), ...buttons),
    parts.chart.node, parts.list.node);
  let shown = null;
  let lanes = [];

  function choose(form) {
    for (const button of buttons) button.ariaPressed = String(button.dataset.form === form);
    for (const each of FORMS) show(parts[each].node, each === form);
    mark(node, "form", form);
    writeText("localStorage", KEY, form);
  }

  function write() {
    if (!shown) return;
    lanes = lanesOf(shown.visit);
    const length = shown.length || endOf(lanes);
    parts.chart.update(lanes, length);
    parts.list.update(shown.visit, lanes, length);
  }

  choose(FORMS.includes(readText("localStorage", KEY)) ? readText("localStorage", KEY) : "chart");
  const stop = onLanguage(write);
  return {
    node,
    update(visit, length) {
      shown = { visit, length };
      write();
    },
    tick: parts.chart.tick,
    /** The second of the event before or after a place; null where there is none. */
    eventFrom(second, ahead) {
      const places = listedItems(lanes).map(({ at }) => at);
      return (ahead ? places.find((at) => at > second + NEAR) : places.findLast((at) => at < second - NEAR)) ?? null;
    },
    close: stop,
  };
}
