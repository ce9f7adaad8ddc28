/**
 * Alerts (提醒) of all sessions of the site, the gravest first: shown by words and shape, sounded and announced, with
 * buttons to take and to finish each. The server decides what is an alert.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { roomNames } from "../../i18n/session_words.js";
import { AlertSound } from "../../media/alert_sound.js";
import { minutesSeconds } from "../../state/clock.js";
import { el, icon, keyed, mark, put, show, swapIcon } from "../dom.js";
import { announce } from "../toast.js";

const TRIANGLE = "warn"; // marks all grave alerts: shape as well as colour distinguishes them
const SHAPES = { drill: "warn", silent: "muted", heads: "people", one_minute: "clock", five_minutes: "clock" };
const ANNOUNCED_ELSEWHERE = new Set(["one_minute", "five_minutes"]); // announcements.js has them to the second

/** {session, alert, key} of each open alert: the gravest first, new ones before taken ones, then the newest. */
export function openAlerts(sessions) {
  const open = sessions.flatMap((session) => (session.alerts ?? [])
    .map((alert) => ({ session, alert, key: `${session.id}/${alert.id}` })));
  return open.sort((a, b) => rank(a.alert) - rank(b.alert) || b.alert.at.localeCompare(a.alert.at));
}

const rank = ({ grave, state }) => (grave ? 0 : 2) + (state === "new" ? 0 : 1);
const roomOf = ({ session, alert }) => (alert.side ? session.sides[alert.side].room_name : roomNames(session));
const wordsOf = (entry) => `${inWords(entry.alert)} · ${roomOf(entry)}`;

/** @param {{onTakeAlert(session, id), onFinishAlert(session, id), onChoose(session id)}} actions */
export function alertsView(actions) {
  const rows = new Map();
  const sound = new AlertSound();
  const list = el("ol", { class: "alert-list" });
  const count = el("span", { class: "count" });
  const toggle = soundSwitch(sound);
  const node = el("section", { class: "alerts", "aria-labelledby": "alerts-title" },
    el("div", { class: "line" }, el("h2", { id: "alerts-title", t: "alerts" }), count, el("span", { class: "spring" }), toggle.node), list);
  let open = [];
  let announced = new Map();

  /** Announces what is new, and what is over. */
  function announceChanges() {
    const now = new Map(open.map((entry) => [entry.key, entry]));
    const came = open.filter(({ key, alert }) => !announced.has(key) && !ANNOUNCED_ELSEWHERE.has(alert.kind));
    const went = [...announced.values()].filter(({ key, alert }) => !now.has(key) && !ANNOUNCED_ELSEWHERE.has(alert.kind));
    announced = now;
    if (came.length) announce(came.map(wordsOf).join(t("and_then")), came.some(({ alert }) => alert.grave));
    else if (went.length) announce(`${t("alert_over")}${t("colon")}${went.map(wordsOf).join(t("and_then"))}`);
  }

  return {
    node,
    update(sessions) {
      open = openAlerts(sessions);
      show(node, open.length > 0);
      put(count, open.length);
      keyed(list, rows, open.map((entry, at) => ({ ...entry, isTop: at === 0 })), ({ key }) => key, () => alertRow(actions));
      toggle.update();
      announceChanges();
      sound.follow(open);
    },
    tick(now) {
      rows.forEach((row) => row.tick(now));
      sound.follow(open);
    },
    close: () => sound.close(),
  };
}

function soundSwitch(sound) {
  const words = el("span");
  const node = el("button", { type: "button", class: "small-button", on: { click: () => { sound.switch(); update(); } } }, icon("sound"), words);
  function update() {
    node.setAttribute("aria-pressed", String(sound.on));
    swapIcon(node, sound.on ? "sound" : "muted");
    put(words, t(sound.on ? "alert_sound_on" : "alert_sound_off"));
  }
  return { node, update };
}

function alertRow({ onTakeAlert, onFinishAlert, onChoose }) {
  let shown = null;
  const words = el("strong");
  const where = el("button", { type: "button", class: "alert-room", on: { click: () => onChoose(shown.session.id) } });
  const since = el("time");
  const by = el("span", { class: "small" });
  const take = el("button", { type: "button", class: "small-button", t: "alert_take", on: { click: () => onTakeAlert(shown.session, shown.alert.id) } });
  const finish = el("button", { type: "button", class: "small-button", t: "alert_finish", on: { click: () => onFinishAlert(shown.session, shown.alert.id) } });
  const node = el("li", { class: "alert" }, icon(TRIANGLE), words, where, since, by, el("span", { class: "spring" }), take, finish);
  return {
    node,
    update(entry) {
      const { alert, isTop } = shown = entry;
      mark(node, "level", alert.grave ? "grave" : "advisory");
      mark(node, "state", alert.state);
      swapIcon(node, alert.grave ? TRIANGLE : SHAPES[alert.kind]);
      put(words, inWords(alert));
      put(where, roomOf(entry));
      since.dateTime = alert.at;
      put(by, alert.taken_by ? t("alert_taken_by", { name: alert.taken_by.name }) : "");
      const leaves = document.activeElement === take && alert.state !== "new";
      show(take, alert.state === "new");
      if (leaves) finish.focus(); // the keyboard focus stays in the list
      take.setAttribute("aria-label", `${t("alert_take")}${t("colon")}${wordsOf(entry)}`);
      finish.setAttribute("aria-label", `${t("alert_finish")}${t("colon")}${wordsOf(entry)}`);
      shortcut(take, isTop && alert.state === "new");
      shortcut(finish, isTop && alert.state !== "new");
    },
    tick(now) {
      if (now && shown) put(since, minutesSeconds(Math.max(0, Math.floor((now - Date.parse(shown.alert.at)) / 1000) * 1000)));
    },
  };
}

/** Gives the key A to a button, or takes it away. */
function shortcut(button, has) {
  if (has) button.setAttribute("aria-keyshortcuts", "A");
  else button.removeAttribute("aria-keyshortcuts");
}

/** The mark on the tile of a session with alerts. */
export function alertChip() {
  const words = el("span");
  const node = el("span", { class: "chip alert-chip" }, icon(TRIANGLE), words);
  return {
    node,
    update(session) {
      const [top, ...more] = openAlerts([session]);
      show(node, Boolean(top));
      if (!top) return;
      mark(node, "level", top.alert.grave ? "bad" : "wait");
      swapIcon(node, top.alert.grave ? TRIANGLE : SHAPES[top.alert.kind]);
      put(words, inWords(top.alert) + (more.length ? ` +${more.length}` : ""));
      node.title = openAlerts([session]).map(wordsOf).join("\n");
    },
  };
}
