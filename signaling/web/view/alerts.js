/**
 * What calls supervisors (提醒), in all sessions of the site: the gravest first, with words, shape and sound, and buttons
 * to take one and to be done with it. The server decides what calls; this view shows it and says it.
 */
import { AlertSound } from "../calling.js";
import { minutesSeconds } from "../clock.js";
import { el, icon, keyed, mark, put, show, swapIcon } from "../dom.js";
import { inWords, t } from "../i18n.js";
import { roomsOf } from "./facts.js";
import { say } from "./toast.js";

const TRIANGLE = "warn"; // of all grave ones: shape as well as colour tells them from the others
const SHAPES = { silent: "muted", heads: "people", one_minute: "clock", five_minutes: "clock" };
const SAID_ELSEWHERE = new Set(["one_minute", "five_minutes"]); // announce.js says the last minutes to the second

/** {session, alert, key} of everything open, the gravest first, new ones before taken ones, then the newest. */
export function openAlerts(sessions) {
  const open = sessions.flatMap((session) => (session.alerts ?? [])
    .map((alert) => ({ session, alert, key: `${session.id}/${alert.id}` })));
  return open.sort((one, other) => rank(one.alert) - rank(other.alert) || other.alert.at.localeCompare(one.alert.at));
}

const rank = ({ grave, state }) => (grave ? 0 : 2) + (state === "new" ? 0 : 1);
const roomOf = ({ session, alert }) => (alert.side ? session.sides[alert.side].room_name : roomsOf(session).join(" ⇄ "));
const wordsOf = (one) => `${inWords(one.alert)} · ${roomOf(one)}`;

/** @param {{onTake(session, id), onFinish(session, id), onChoose(session id)}} acts */
export function alertsView(acts) {
  const rows = new Map();
  const sound = new AlertSound();
  const list = el("ol", { class: "alert-list" });
  const count = el("span", { class: "count" });
  const toggle = soundSwitch(sound);
  const node = el("section", { class: "alerts", "aria-labelledby": "alerts-title" },
    el("div", { class: "line" }, el("h2", { id: "alerts-title", t: "alerts" }), count, el("span", { class: "spring" }), toggle.node), list);
  let open = [];
  let known = new Map();

  /** Says what is new, and what is no more. */
  function speak() {
    const now = new Map(open.map((one) => [one.key, one]));
    const came = open.filter(({ key, alert }) => !known.has(key) && !SAID_ELSEWHERE.has(alert.kind));
    const went = [...known.values()].filter(({ key, alert }) => !now.has(key) && !SAID_ELSEWHERE.has(alert.kind));
    known = now;
    if (came.length) say(came.map(wordsOf).join(t("and_then")), came.some(({ alert }) => alert.grave));
    else if (went.length) say(`${t("alert_over")}${t("colon")}${went.map(wordsOf).join(t("and_then"))}`);
  }

  return {
    node,
    update(sessions) {
      open = openAlerts(sessions);
      show(node, open.length > 0);
      put(count, open.length);
      keyed(list, rows, open.map((one, at) => ({ ...one, isTop: at === 0 })), ({ key }) => key, () => alertRow(acts));
      toggle.update();
      speak();
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

function alertRow({ onTake, onFinish, onChoose }) {
  let shown = null;
  const words = el("strong");
  const where = el("button", { type: "button", class: "alert-room", on: { click: () => onChoose(shown.session.id) } });
  const since = el("time");
  const by = el("span", { class: "small" });
  const take = el("button", { type: "button", class: "small-button", t: "alert_take", on: { click: () => onTake(shown.session, shown.alert.id) } });
  const finish = el("button", { type: "button", class: "small-button", t: "alert_finish", on: { click: () => onFinish(shown.session, shown.alert.id) } });
  const node = el("li", { class: "alert" }, icon(TRIANGLE), words, where, since, by, el("span", { class: "spring" }), take, finish);
  return {
    node,
    update(one) {
      const { alert, isTop } = shown = one;
      mark(node, "level", alert.grave ? "grave" : "advisory");
      mark(node, "state", alert.state);
      swapIcon(node, alert.grave ? TRIANGLE : SHAPES[alert.kind]);
      put(words, inWords(alert));
      put(where, roomOf(one));
      since.dateTime = alert.at;
      put(by, alert.taken_by ? t("alert_taken_by", { name: alert.taken_by.name }) : "");
      const leaves = document.activeElement === take && alert.state !== "new";
      show(take, alert.state === "new");
      if (leaves) finish.focus(); // who took it by keyboard is not thrown out of the list
      take.setAttribute("aria-label", `${t("alert_take")}${t("colon")}${wordsOf(one)}`);
      finish.setAttribute("aria-label", `${t("alert_finish")}${t("colon")}${wordsOf(one)}`);
      shortcut(take, isTop && alert.state === "new");
      shortcut(finish, isTop && alert.state !== "new");
    },
    tick(now) {
      if (now && shown) put(since, minutesSeconds(Math.max(0, Math.floor((now - Date.parse(shown.alert.at)) / 1000) * 1000)));
    },
  };
}

/** The button that the key A presses. */
function shortcut(button, has) {
  if (has) button.setAttribute("aria-keyshortcuts", "A");
  else button.removeAttribute("aria-keyshortcuts");
}

/** The mark of a tile whose session calls. */
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
