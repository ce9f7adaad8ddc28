/**
 * Orders on their way, and what holds while the page is not connected. Orders lie over the desk, the lost connection over
 * the strip of alerts: a picture must not shrink because a line is bad.
 *
 * An order that is answered at once flashes by unread. One that gets no answer stays, in red and with what to do, until
 * it is known whether it arrived.
 */
import { t } from "../i18n/i18n.js";
import { visitName } from "../i18n/session_words.js";
import { localProblem } from "../api/rest.js";
import { el, icon, keyed, mark, put, show, swapIcon } from "./dom.js";
import { complain } from "./toast.js";

const ICONS = { sending: "clock", unanswered: "warn", lost: "warn" };

/** @param {{onDismiss(id)}} actions */
export function orderStatusView({ onDismiss }) {
  const rows = new Map();
  const list = el("ul");
  const words = el("span");
  const link = el("p", { class: "link-lost", role: "alert" }, icon("warn"), words);
  link.hidden = true;
  const node = el("div", { class: "order-status", role: "region", tLabel: "order_status" }, link, list);
  return {
    node,
    /** @param {{orders, sessionOf(id), connection, leaseMs}} model */
    update({ orders, sessionOf, connection, leaseMs }) {
      const down = connection !== "up";
      show(link, down);
      put(words, down ? t("link_lost", { seconds: Math.ceil(leaseMs / 1000) }) : "");
      keyed(list, rows, orders.map((order) => ({ order, session: sessionOf(order.session) })), ({ order }) => order.id,
        () => orderRow(onDismiss));
    },
  };
}

function orderRow(onDismiss) {
  let shown = null;
  const what = el("strong");
  const words = el("span");
  const read = el("button", { type: "button", class: "small-button", data: { reads: "true" }, t: "order_read", on: { click: () => onDismiss(shown) } });
  const node = el("li", {}, icon("clock"), what, words, read);
  return {
    node,
    update({ order, session }) {
      shown = order.id;
      mark(node, "state", order.state);
      if (order.state !== "sending") node.setAttribute("role", "alert");
      swapIcon(node, ICONS[order.state]);
      put(what, [t(`order_${order.name}`), session ? visitName(session) : ""].filter(Boolean).join(" · "));
      put(words, t(`order_is_${order.state}`));
      show(read, order.state === "lost");
    },
  };
}

const ACTS = "button, input, select, textarea";
const PRESSED = ".talk"; // acts when it is pressed, before there is a click

/** Whether a control works without the server: the nearest `data-reads` around it says so. */
const onlyReads = (node) => node.closest("[data-reads]")?.dataset.reads === "true";

/** Whether a sheet that is open stops something: an order like that goes by REST, too, and is wanted even when it is late. */
const stops = (node) => Boolean(node.closest("dialog")?.dataset.act);

/** Whether a control gives an order. A sheet's choices do not: only what confirms it does. */
const isAct = (node) => !onlyReads(node) && (!node.closest("dialog") || (node.type === "submit" && !stops(node)));

/**
 * Guards all acts of the page by one rule: while the page is not connected they are disabled, do nothing and say why. What
 * only changes the page itself is marked `data-reads`. Acts keep their place and the focus, so that a short break
 * interrupts nobody who writes. A sheet keeps what was chosen in it, and is confirmed once the connection is back; one that
 * holds, ends or mutes is left alone: an officer who is about to must be able to, by another way than the socket.
 * @param {HTMLElement} page
 * @returns {(down: boolean) => void} to be called when the connection or the page has changed
 */
export function guardActs(page) {
  let isDown = false;
  const refuse = (event) => {
    if (!isDown || !isOrder(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.type !== "pointerdown") complain(localProblem("link_lost")); // its click says it
  };
  for (const kind of ["click", "submit", "pointerdown", "keydown"]) page.addEventListener(kind, refuse, true);
  return (down) => {
    isDown = down;
    for (const act of page.querySelectorAll("button")) {
      if (down && isAct(act)) act.setAttribute("aria-disabled", "true");
      else act.removeAttribute("aria-disabled");
    }
  };
}

function isOrder({ type, target, key }) {
  if (type === "submit") return !onlyReads(target) && !stops(target);
  const act = target.closest?.(ACTS);
  if (!act || !isAct(act)) return false;
  return type === "click" || (act.matches(PRESSED) && (type === "pointerdown" || key === " " || key === "Enter"));
}

/** Marks the buttons whose order is on its way: those name their orders in `data-order`. */
export function markSending(part, orders) {
  for (const button of part.querySelectorAll("[data-order]")) {
    const mine = orders.filter(({ name }) => button.dataset.order.split(" ").includes(name));
    const state = mine.some((order) => order.state === "unanswered") ? "unanswered" : mine.length ? "sending" : "";
    mark(button, "sending", state);
    button.setAttribute("aria-busy", String(state !== ""));
  }
}
