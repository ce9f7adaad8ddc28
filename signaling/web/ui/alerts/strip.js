/**
 * The strip of alerts: one line of a fixed height above the wall, one entry a visit with the worst first. It never takes
 * height from the pictures; what has no room in it is in the drawer. What became of orders stands in it, too.
 *
 * Nothing in it moves while the pointer or the keyboard is in it (state/wall/strip_order.js).
 */
import { inWords, t } from "../../i18n/i18n.js";
import { visitLine, visitName } from "../../i18n/session_words.js";
import { minutesSeconds } from "../../state/clock.js";
import { keyHolder, levelOfRest, stripOrder } from "../../state/wall/strip_order.js";
import { el, icon, keyed, mark, put, show, swapIcon } from "../dom.js";
import { shapeOf, TRIANGLE, wordsOf } from "./alert_words.js";
import { orderChip } from "./order_chip.js";

const ENTRY = 300; // px that an entry needs to be read
const OTHERS = 280; // px of the heading and the buttons

export function stripView(actions, drawer) {
  const rows = new Map();
  const list = el("ol", { class: "strip-list" });
  const calm = el("p", { class: "quiet" });
  const count = el("span", { class: "count" });
  const reads = { reads: "true" };
  const rest = el("button", { type: "button", class: "small-button rest", data: reads, hidden: true, on: { click: () => drawer.toggle(true) } });
  const all = el("button", { type: "button", class: "small-button", data: reads, t: "alerts_all", "aria-controls": "alert-drawer", on: { click: () => drawer.toggle() } });
  const orders = orderChip(actions.onOpen);
  const node = el("section", { class: "strip", "aria-labelledby": "alerts-title" },
    el("h2", { id: "alerts-title", t: "alerts" }), count, calm, list, rest, el("span", { class: "spring" }), orders.node, all);
  drawer.openedBy(all);
  let entries = [];
  let shown = [];
  const hold = holdPlaces(node, list, () => draw());

  function draw() {
    const room = Math.max(1, Math.floor((node.clientWidth - OTHERS - orders.needs) / ENTRY));
    shown = stripOrder(entries, shown, { room, isHeld: hold.isOn });
    const top = keyHolder(entries, shown);
    keyed(list, rows, shown.map((entry) => ({ ...entry, isTop: entry.session.id === top })), ({ session }) => session.id, () => entryView(actions));
    const left = entries.filter(({ session }) => !shown.some((entry) => entry.session.id === session.id)).length;
    show(calm, !shown.length);
    put(calm, shown.length ? "" : t("no_alerts"));
    show(rest, left > 0);
    put(rest, left ? t("alerts_rest", { count: left }) : "");
    mark(rest, "level", levelOfRest(entries, shown));
  }

  const observer = new ResizeObserver(draw);
  observer.observe(node);
  return {
    node,
    update(next) {
      entries = next;
      show(count, entries.length > 0);
      put(count, entries.length ? t("alerts_visits", { count: entries.length }) : "");
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

/** Holds the entries in their places and widths while the pointer or the keyboard is in the strip; then calls `released`. */
function holdPlaces(node, list, released) {
  let isOn = false;
  function follow() {
    const wasOn = isOn;
    isOn = node.matches(":hover") || node.querySelector(":focus-visible") !== null;
    if (isOn === wasOn) return;
    const widths = [...list.children].map((entry) => entry.getBoundingClientRect().width);
    [...list.children].forEach((entry, at) => { entry.style.flex = isOn ? `0 0 ${widths[at]}px` : ""; });
    if (!isOn) released();
  }
  for (const event of ["pointerenter", "pointerleave", "focusin"]) node.addEventListener(event, follow);
  node.addEventListener("focusout", () => queueMicrotask(follow)); // by then the focus is where it goes
  return { get isOn() { return isOn; } };
}

/** One visit in the strip: its name, its worst alert, how many more, and the button that takes or finishes the alert. */
function entryView({ onOpen, onTakeAlert, onFinishAlert }) {
  let shown = null;
  const name = el("strong");
  const words = el("span", { class: "words" });
  const more = el("span", { class: "more" });
  const since = el("time");
  const open = el("button", { type: "button", class: "strip-visit", data: { reads: "true" }, on: { click: () => onOpen(shown.session.id) } }, name, words);
  const act = actButton((alert) => (alert.state === "new" ? onTakeAlert : onFinishAlert)(shown.session, alert.id));
  const node = el("li", { class: "strip-entry" }, icon(TRIANGLE), open, more, since, act.node);
  return {
    node,
    update(entry) {
      const { session, top, danger, level, isOver = false } = shown = entry;
      mark(node, "level", isOver && !entry.more ? "over" : level);
      swapIcon(node, isOver ? "check" : danger || level !== "advisory" ? TRIANGLE : shapeOf(top.alert, top.isGrave));
      put(name, visitName(session));
      put(words, isOver ? t("alert_over") : wordsOfEntry(entry));
      open.title = [visitLine(session), words.textContent, top?.alert.taken_by && t("alert_taken_by", { name: top.alert.taken_by.name })].filter(Boolean).join("\n");
      put(more, entry.more ? `+${entry.more}` : "");
      show(act.node, Boolean(top) && !isOver);
      if (top && !isOver) act.offer(top, entry.isTop);
      else act.withdraw();
    },
    tick(now) {
      const at = !shown?.isOver && shown?.top?.alert.at;
      put(since, now && at ? minutesSeconds(Math.max(0, Math.floor((now - Date.parse(at)) / 1000) * 1000)) : "");
    },
  };
}

function wordsOfEntry({ danger, top }) {
  const isNamed = danger && /^quorum/.test(top?.alert.kind);
  return [danger && t(`danger_${danger}`), top && !isNamed && inWords(top.alert)].filter(Boolean).join(t("and_then"));
}

/**
 * The button that takes or finishes an alert. It means what it meant when the pointer went down; the second click of a
 * double one means nothing; and one that a colleague's act has changed waits until the pointer has left it.
 */
function actButton(press) {
  let alert = null;
  let meaning = ""; // "alert_take" or "alert_finish"
  let aimed = ""; // what it meant when the pointer went down
  let isMine = false; // pressed by this officer since its meaning has changed
  const node = el("button", { type: "button", class: "small-button" });
  node.addEventListener("pointerdown", () => { aimed = meaning; });
  node.addEventListener("pointerleave", () => mark(node, "waits", false));
  node.addEventListener("click", (event) => {
    const byPointer = event.detail > 0;
    if (byPointer && (event.detail > 1 || aimed !== meaning || node.dataset.waits === "true")) return;
    isMine = true;
    press(alert);
  });

  /** Names the button after what comes next, and gives the worst entry the key A. */
  function offer(top, isTop) {
    const next = top.alert.state === "new" ? "alert_take" : "alert_finish";
    if (meaning && next !== meaning && !isMine && node.matches(":hover")) mark(node, "waits", true);
    if (next !== meaning) isMine = false;
    meaning = next;
    alert = top.alert;
    put(node, t(next));
    node.setAttribute("aria-label", `${t(next)}${t("colon")}${wordsOf(top)}`);
    if (isTop) node.setAttribute("aria-keyshortcuts", "A");
    else node.removeAttribute("aria-keyshortcuts");
  }

  return {
    node, offer,
    withdraw() {
      meaning = "";
      node.removeAttribute("aria-keyshortcuts");
    },
  };
}
