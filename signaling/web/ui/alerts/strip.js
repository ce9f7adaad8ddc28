/**
 * The strip of alerts: one line of a fixed height above the wall, one entry a visit with the worst first. It never takes
 * height from the pictures; what has no room in it is in the drawer. What became of orders stands in it, too.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { visitLine, visitName } from "../../i18n/session_words.js";
import { minutesSeconds } from "../../state/clock.js";
import { el, icon, keyed, mark, put, show, swapIcon } from "../dom.js";
import { shapeOf, TRIANGLE, wordsOf } from "./alert_words.js";
import { orderChip } from "./order_chip.js";

const ENTRY = 300; // px that an entry needs to be read
const OTHERS = 280; // px of the heading and the buttons

export function stripView(actions, drawer) {
  const rows = new Map();
  const list = el("ol", { class: "strip-list" });
  const calm = el("p", { class: "quiet", t: "no_alerts" });
  const count = el("span", { class: "count" });
  const rest = el("button", { type: "button", class: "small-button rest", on: { click: () => drawer.toggle(true) } });
  const all = el("button", { type: "button", class: "small-button", t: "alerts_all", "aria-controls": "alert-drawer", on: { click: () => drawer.toggle() } });
  const orders = orderChip(actions.onOpen);
  const node = el("section", { class: "strip", "aria-labelledby": "alerts-title" },
    el("h2", { id: "alerts-title", t: "alerts" }), count, calm, list, rest, el("span", { class: "spring" }), orders.node, all);
  drawer.openedBy(all);
  let entries = [];
  const draw = () => {
    const room = Math.max(1, Math.floor((node.clientWidth - OTHERS - orders.needs) / ENTRY));
    const shown = entries.slice(0, room);
    keyed(list, rows, shown.map((entry, at) => ({ ...entry, isTop: at === 0 })), ({ session }) => session.id, () => entryView(actions));
    show(rest, entries.length > shown.length);
    put(rest, t("alerts_rest", { count: entries.length - shown.length }));
  };
  const observer = new ResizeObserver(draw);
  observer.observe(node);
  return {
    node,
    update(next) {
      entries = next;
      show(calm, !entries.length);
      show(count, entries.length > 0);
      put(count, t("alerts_visits", { count: entries.length }));
      draw();
    },
    follow(sent, sessionOf) {
      const before = orders.needs;
      orders.update(sent, sessionOf);
      if (orders.needs !== before) draw();
    },
    tick: (now) => rows.forEach((row) => row.tick(now)),
    close: () => observer.disconnect(),
  };
}

/** One visit in the strip: its name, its worst alert, how many more, and the button that takes or finishes the alert. */
function entryView({ onOpen, onTakeAlert, onFinishAlert }) {
  let shown = null;
  const name = el("strong");
  const words = el("span", { class: "words" });
  const more = el("span", { class: "more" });
  const since = el("time");
  const open = el("button", { type: "button", class: "strip-visit", on: { click: () => onOpen(shown.session.id) } }, name, words);
  const act = el("button", { type: "button", class: "small-button", on: { click: () => (
    shown.top.alert.state === "new" ? onTakeAlert : onFinishAlert)(shown.session, shown.top.alert.id) } });
  const node = el("li", { class: "strip-entry" }, icon(TRIANGLE), open, more, since, act);
  return {
    node,
    update(entry) {
      const { session, top, danger, level } = shown = entry;
      mark(node, "level", level);
      swapIcon(node, danger || level !== "advisory" ? TRIANGLE : shapeOf(top.alert, top.isGrave));
      put(name, visitName(session));
      put(words, [danger && t(`danger_${danger}`), top && !(danger && /^quorum/.test(top.alert.kind)) && inWords(top.alert)].filter(Boolean).join(t("and_then")));
      open.title = [visitLine(session), words.textContent, top?.alert.taken_by && t("alert_taken_by", { name: top.alert.taken_by.name })].filter(Boolean).join("\n");
      put(more, entry.more ? `+${entry.more}` : "");
      show(act, Boolean(top));
      if (top) offer(act, top, entry.isTop);
    },
    tick(now) {
      const at = shown?.top?.alert.at;
      if (now && at) put(since, minutesSeconds(Math.max(0, Math.floor((now - Date.parse(at)) / 1000) * 1000)));
    },
  };
}

/** Names the button after what comes next, and gives the worst entry the key A. */
function offer(button, top, isTop) {
  const key = top.alert.state === "new" ? "alert_take" : "alert_finish";
  put(button, t(key));
  button.setAttribute("aria-label", `${t(key)}${t("colon")}${wordsOf(top)}`);
  if (isTop) button.setAttribute("aria-keyshortcuts", "A");
  else button.removeAttribute("aria-keyshortcuts");
}
