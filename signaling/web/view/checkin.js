/**
 * The check-in desk of my side: every check of every listed person, the seat, the room's equipment, and who interprets.
 *
 * What is ticked is what the server says; a box that was just changed waits for the answer before a view may move it.
 */
import { timeOfDay } from "../clock.js";
import { el, icon, keyed, mark, put, show, swapIcon } from "../dom.js";
import { inWords, t } from "../i18n.js";
import { sidesOf } from "../sessions.js";
import { equipmentView } from "./equipment.js";

const DESK_OPEN = new Set(["check_in", "ready"]);
const NOT_YET = "scheduled";

/** @param {{onTick(side, person, tick, on), onSeat(side, on), onAbsent(side, person), onEquipment(side, passed)}} acts
 *   async; they reject when a problem has been told already */
export function checkInView(acts) {
  const views = new Map();
  const spoken = spokenLine();
  const lists = el("div");
  const node = el("section", { class: "check-in", "aria-labelledby": "check-in-title" },
    el("h3", { id: "check-in-title", t: "check_in" }), spoken.node, lists);
  return {
    node,
    update({ session, site }) {
      const sides = session.state === "ended" ? [] : sidesOf(session, site);
      show(node, sides.length > 0);
      spoken.update(session.language);
      const items = sides.map((side) => ({ key: `${session.id}/${side}`, side, session }));
      keyed(lists, views, items, ({ key }) => key, ({ side }) => sideView(side, acts));
    },
  };
}

function sideView(side, acts) {
  const rows = new Map();
  const people = el("ul", { class: "people-list" });
  const seat = tickBox("seat_ready", (on) => acts.onSeat(side, on));
  const equipment = equipmentView((passed) => acts.onEquipment(side, passed));
  const early = el("p", { class: "quiet small", t: "check_in_not_open" });
  const until = el("p", { class: "quiet small" });
  return {
    node: el("div", {}, early, until, people, el("div", { class: "seat ticks" }, seat.node), equipment.node),
    update({ session }) {
      const mine = session.sides[side];
      const open = DESK_OPEN.has(session.state);
      show(early, session.state === NOT_YET);
      const waiting = open && session.check_in_until && mine.people.some(({ checked, absent }) => !checked && !absent);
      show(until, Boolean(waiting));
      put(until, waiting ? t("check_in_until", { time: timeOfDay(session.check_in_until) }) : "");
      keyed(people, rows, mine.people.map((person) => ({ person, open })), ({ person }) => person.id,
        ({ person }) => personRow(side, person, acts));
      seat.update(Boolean(mine.seat), open);
      equipment.update(mine, open);
    },
  };
}

function personRow(side, { id }, acts) {
  const name = el("strong");
  const about = el("span", { class: "quiet small" });
  const first = el("span", { class: "tag", t: "first_visit" });
  const helper = el("span", { class: "tag", t: "role_interpreter" });
  const status = personStatus();
  const boxes = new Map();
  let listed = null;
  const absent = el("button", { type: "button", class: "small-button", t: "absent", on: { click: () => acts.onAbsent(side, listed) } });
  const ticks = el("div");
  const group = el("div", { class: "ticks", role: "group" }, ticks, absent);
  return {
    node: el("li", {}, el("span", { class: "line" }, name, about, helper, first, status.node), group),
    update({ person, open }) {
      listed = person;
      put(name, person.name);
      put(about, person.relation);
      show(helper, person.role === "interpreter");
      show(first, Boolean(person.first_visit));
      status.update(person);
      group.setAttribute("aria-label", t("ticks_of", { name: person.name }));
      show(group, open);
      show(absent, !person.absent);
      const items = (person.required ?? []).map((tick) => ({ tick, on: person.ticked.includes(tick), open }));
      keyed(ticks, boxes, items, ({ tick }) => tick, ({ tick }) => {
        const box = tickBox(`tick_${tick}`, (on) => acts.onTick(side, id, tick, on));
        return { node: box.node, update: (item) => box.update(item.on, item.open) };
      });
    },
  };
}

/** Checked in, absent, or how much is still to do. */
function personStatus() {
  const words = el("span");
  const node = el("span", { class: "done" }, icon("clock"), words);
  return {
    node,
    update({ checked, absent, required = [], ticked = [] }) {
      const level = checked ? "good" : absent ? "away" : "open";
      mark(node, "level", level);
      swapIcon(node, { good: "check", away: "cross", open: "clock" }[level]);
      put(words, t({ good: "checked_in", away: "noted_absent", open: "checks_open" }[level], { count: required.length - ticked.length }));
    },
  };
}

/** One box with its words. `act(on)` rejects when the server refuses; then the box shows again what is true. */
function tickBox(words, act) {
  const box = el("input", { type: "checkbox" });
  let known = false;
  let asked = false;
  box.addEventListener("change", async () => {
    asked = true;
    try {
      await act(box.checked);
    } catch {
      box.checked = known; // the refusal has been told by the caller
    }
    asked = false;
  });
  return {
    node: el("label", {}, box, el("span", { t: words })),
    update(on, open) {
      known = on;
      if (!asked && box.checked !== on) box.checked = on;
      if (box.disabled === open) box.disabled = !open;
    },
  };
}

function spokenLine() {
  const words = el("span");
  const node = el("p", { class: "spoken" }, words);
  return {
    node,
    update(language) {
      show(node, Boolean(language));
      if (!language) return;
      mark(node, "interpreter", language.interpreter);
      const parts = [t("spoken", { language: inWords(language) })];
      if (language.interpreter !== "not_needed") parts.push(t(`interpreter_${language.interpreter}`));
      if (language.reason) parts.push(language.reason);
      put(words, parts.join(" · "));
    },
  };
}
