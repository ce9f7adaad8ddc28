/**
 * The drawer of alerts over the desk: all that are open, with buttons to take and to finish each, and below them what was
 * done on this shift, by whom and when.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { lengthOf, sideKey, visitLine, visitName, reasonOf } from "../../i18n/session_words.js";
import { minutesSeconds, timeWithSeconds } from "../../state/clock.js";
import { el, icon, keyed, mark, put, show, swapIcon } from "../dom.js";
import { shapeOf, TRIANGLE, wordsOf } from "./alert_words.js";

export function drawerView(actions, sound) {
  const rows = new Map();
  const lines = new Map();
  const list = el("ol", { class: "alert-list" });
  const none = el("p", { class: "quiet", t: "no_alerts" });
  const past = el("ol", { class: "history", tabindex: "0", tLabel: "shift_history" });
  const close = el("button", { type: "button", class: "bare", data: { reads: "true" }, tLabel: "close", on: { click: () => toggle(false) } }, icon("cross"));
  const switcher = soundSwitch(sound);
  const node = el("section", { class: "drawer", id: "alert-drawer", tabindex: "-1", tLabel: "alerts_drawer" },
    el("div", { class: "line" }, el("h2", { t: "alerts_open" }), el("span", { class: "spring" }), switcher.node, close), none, list,
    el("h3", { t: "shift_history" }), past);
  let button = null;
  let history = null;
  let sessions = [];
  node.hidden = true;

  function toggle(open = node.hidden) {
    show(node, open);
    button?.setAttribute("aria-expanded", String(open));
    if (open) {
      actions.onHistory();
      drawHistory();
      node.focus();
    } else button?.focus();
  }

  function drawHistory() {
    if (node.hidden || !history) return;
    const items = history.lines(sessions).map((line) => ({ ...line, key: `${line.at}/${line.session.id}/${line.kind}/${line.alert?.id ?? line.warning?.id ?? line.side ?? ""}` }));
    const unique = [...new Map(items.map((item) => [item.key, item])).values()];
    keyed(past, lines, unique, ({ key }) => key, historyLine);
  }

  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    toggle(false);
  });
  return {
    node, toggle,
    /** Names the button that opens and closes the drawer, to which the focus returns. */
    openedBy(opener) {
      button = opener;
      button.setAttribute("aria-expanded", "false");
    },
    follow(next) {
      history = next;
    },
    update(open, all) {
      sessions = all;
      show(none, !open.length);
      keyed(list, rows, open, ({ key }) => key, () => alertRow(actions));
      switcher.update();
      drawHistory();
    },
    tick: (now) => rows.forEach((row) => row.tick(now)),
  };
}

function soundSwitch(sound) {
  const words = el("span");
  const node = el("button", { type: "button", class: "small-button", data: { reads: "true" }, on: { click: () => { sound.switch(); update(); } } }, icon("sound"), words);
  function update() {
    node.setAttribute("aria-pressed", String(sound.on));
    swapIcon(node, sound.on ? "sound" : "muted");
    put(words, t(sound.on ? "alert_sound_on" : "alert_sound_off"));
  }
  return { node, update };
}

function alertRow({ onTakeAlert, onFinishAlert, onOpen }) {
  let shown = null;
  const words = el("strong");
  const where = el("button", { type: "button", class: "alert-room", data: { reads: "true" }, on: { click: () => onOpen(shown.session.id) } });
  const since = el("time");
  const by = el("span", { class: "small" });
  const take = el("button", { type: "button", class: "small-button", t: "alert_take", on: { click: () => onTakeAlert(shown.session, shown.alert.id) } });
  const finish = el("button", { type: "button", class: "small-button", t: "alert_finish", on: { click: () => onFinishAlert(shown.session, shown.alert.id) } });
  const node = el("li", { class: "alert" }, icon(TRIANGLE), words, since, where, by, el("span", { class: "alert-acts" }, take, finish));
  return {
    node,
    update(entry) {
      const { session, alert, isGrave } = shown = entry;
      mark(node, "level", isGrave ? "grave" : "advisory");
      mark(node, "state", alert.state);
      swapIcon(node, shapeOf(alert, isGrave));
      put(words, inWords(alert));
      put(where, [visitName(session), alert.side ? session.sides[alert.side].room_name : ""].filter(Boolean).join(" · "));
      where.title = visitLine(session);
      since.dateTime = alert.at;
      put(by, alert.taken_by ? t("alert_taken_by", { name: alert.taken_by.name }) : "");
      const leaves = document.activeElement === take && alert.state !== "new";
      show(take, alert.state === "new");
      if (leaves) finish.focus(); // the keyboard focus stays in the list
      take.setAttribute("aria-label", `${t("alert_take")}${t("colon")}${wordsOf(entry)}`);
      finish.setAttribute("aria-label", `${t("alert_finish")}${t("colon")}${wordsOf(entry)}`);
    },
    tick(now) {
      if (now && shown) put(since, minutesSeconds(Math.max(0, Math.floor((now - Date.parse(shown.alert.at)) / 1000) * 1000)));
    },
  };
}

/** One line of the history: when, which visit, what, and by whom. */
function historyLine() {
  const time = el("time");
  const visit = el("span", { class: "quiet" });
  const words = el("span");
  return {
    node: el("li", {}, time, words, visit),
    update(line) {
      time.dateTime = line.at;
      put(time, timeWithSeconds(new Date(line.at)));
      put(words, [pastWords(line), line.by?.name].filter(Boolean).join(" · "));
      put(visit, visitName(line.session));
    },
  };
}

function pastWords({ kind, alert, warning, extension, state, reason, side, session }) {
  if (alert) return `${t(`past_${kind}`)}${t("colon")}${inWords(alert)}`;
  if (kind === "warning") return `${t("past_warning")}${t("colon")}${inWords(warning)}`;
  if (kind === "extension") return t("past_extension", { length: lengthOf(extension.seconds) });
  if (kind === "state") return [t(`state_${state}`), reason ? reasonOf({ reason }) : ""].filter(Boolean).join(t("colon"));
  return side ? `${t(`past_${kind}`)}${t("colon")}${t(sideKey(session, side))}` : t(`past_${kind}`);
}
