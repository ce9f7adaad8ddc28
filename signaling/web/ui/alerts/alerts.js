/**
 * Alerts (提醒) of all sessions of the site: the strip with one entry a visit, the drawer with all of them and with the
 * shift's history, their sound, and their announcements. The server decides what is an alert.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { AlertSound } from "../../media/alert_sound.js";
import { entriesOf, openAlerts } from "../../state/wall/open_alerts.js";
import { el, icon, mark, put, show, swapIcon } from "../dom.js";
import { announce } from "../toast.js";
import { shapeOf, TRIANGLE, wordsOf } from "./alert_words.js";
import { drawerView } from "./drawer.js";
import { stripView } from "./strip.js";

const ANNOUNCED_ELSEWHERE = new Set(["one_minute", "five_minutes"]); // announcements.js has them to the second
const READ_OUT = 3; // alerts that are read out at once; of more only how many there are

/** @param {{onTakeAlert(session, id), onFinishAlert(session, id), onOpen(session id), onHistory()}} actions */
export function alertsView(actions) {
  const sound = new AlertSound();
  const drawer = drawerView(actions, sound);
  const strip = stripView(actions, drawer);
  let sessions = [];
  let announced = new Map();
  let drawn = "";

  /** Announces what is new, and what is over. */
  function announceChanges(open) {
    const heard = open.filter(({ alert }) => !ANNOUNCED_ELSEWHERE.has(alert.kind));
    const now = new Map(heard.map((entry) => [entry.key, entry]));
    const came = heard.filter(({ key }) => !announced.has(key));
    const went = [...announced.values()].filter(({ key }) => !now.has(key));
    announced = now;
    if (came.length) announce(readOut(came), came.some(({ isGrave }) => isGrave));
    else if (went.length) announce(`${t("alert_over")}${t("colon")}${readOut(went)}`);
  }

  function draw(now) {
    const open = openAlerts(sessions, now);
    drawn = gravity(open);
    strip.update(entriesOf(sessions, now), now);
    drawer.update(open, sessions);
    announceChanges(open);
    sound.follow(forSound(open));
  }

  return {
    strip: strip.node, drawer: drawer.node,
    /** @param {Date | null} now the server's time @param {ShiftHistory} history */
    update(next, now, history) {
      sessions = next;
      drawer.follow(history);
      draw(now);
    },
    /** @param {Array} orders on their way @param sessionOf (session id) */
    followOrders: (orders, sessionOf) => strip.follow(orders, sessionOf),
    tick(now) {
      const open = openAlerts(sessions, now);
      if (gravity(open) !== drawn) draw(now); // an alert has become advisory by time alone
      strip.tick(now);
      drawer.tick(now);
      sound.follow(forSound(open));
    },
    close() {
      strip.close();
      sound.close();
    },
  };
}

const gravity = (open) => open.map(({ key, isGrave }) => `${key}${isGrave}`).join();
const forSound = (open) => open.map(({ key, alert, isGrave }) => ({ key, alert: { ...alert, grave: isGrave } }));

function readOut(entries) {
  const words = entries.slice(0, READ_OUT).map(wordsOf).join(t("and_then"));
  return entries.length > READ_OUT ? `${words}${t("and_then")}${t("alerts_more", { count: entries.length - READ_OUT })}` : words;
}

/** The mark on the tile of a session with alerts. */
export function alertChip() {
  const words = el("span");
  const node = el("span", { class: "chip alert-chip" }, icon(TRIANGLE), words);
  return {
    node,
    update(session, now = null) {
      const [top, ...more] = openAlerts([session], now);
      show(node, Boolean(top));
      if (!top) return;
      mark(node, "level", top.isGrave ? "bad" : "wait");
      swapIcon(node, shapeOf(top.alert, top.isGrave));
      put(words, inWords(top.alert) + (more.length ? ` +${more.length}` : ""));
      node.title = openAlerts([session], now).map(wordsOf).join("\n");
    },
  };
}
