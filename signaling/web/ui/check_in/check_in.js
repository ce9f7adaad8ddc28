/**
 * Check-in at the officer's side: each check of each listed person, the seat, the room's equipment, and the language.
 *
 * A box shows what the server reports; one that was just changed waits for the answer before a view may change it.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { timeOfDay } from "../../state/clock.js";
import { roomWords } from "../../i18n/session_words.js";
import { isCheckedIn, roomOf, sidesOf } from "../../state/sessions.js";
import { el, icon, keyed, mark, put, show, swapIcon } from "../dom.js";
import { drillView } from "./drill.js";
import { equipmentView } from "./equipment.js";

const BEFORE = "scheduled";

/** @param {{onTick(side, person, tick, on), onSeat(side, on), onAbsent(side, person), onEquipment(side, passed),
 *   onOverrideDrill(reason)}} actions async; they reject after the refusal has been shown */
export function checkInView(actions) {
  const views = new Map();
  const spoken = spokenLine();
  const notices = noticesPart();
  const drill = drillView(actions.onOverrideDrill);
  const lists = el("div");
  const node = el("section", { class: "check-in", "aria-labelledby": "check-in-title" },
    el("h3", { id: "check-in-title", t: "check_in" }), lists, spoken.node, notices.node, drill.node);
  return {
    node,
    update({ session, site, notices: told, identities }) {
      const sides = session.state === "ended" ? [] : sidesOf(session, site);
      show(node, sides.length > 0);
      notices.update(isCheckedIn(session) ? told : []);
      spoken.update(session.language);
      drill.update(session, isCheckedIn(session));
      const items = sides.map((side) => ({ key: `${session.id}/${side}`, side, session, identities }));
      keyed(lists, views, items, ({ key }) => key, ({ side }) => sideView(side, actions));
    },
  };
}

/** The rules that are told at check-in, in the regulation's own words, to read out. */
function noticesPart() {
  const rows = new Map();
  const list = el("ol");
  const node = el("details", { class: "notices" }, el("summary", { t: "notices" }), list);
  return {
    node,
    update(told) {
      show(node, told.length > 0);
      keyed(list, rows, told, ({ id }) => id, () => {
        const row = el("li");
        return { node: row, update: (words) => put(row, inWords(words)) };
      });
    },
  };
}

function sideView(side, actions) {
  const rows = new Map();
  const people = el("ul", { class: "people-list" });
  const seat = tickBox("seat_ready", (on) => actions.onSeat(side, on));
  const rules = rulesLine();
  const equipment = equipmentView(
    (passed, reason) => actions.onEquipment(side, passed, reason),
    () => actions.onRetest(side),
  );
  const early = el("p", { class: "quiet small", t: "check_in_not_open" });
  const until = el("p", { class: "quiet small" });
  const room = el("span", { class: "done" });
  const place = el("p", { class: "line own-room" }, el("span", { t: "own_room" }), room);
  return {
    node: el("div", {}, early, people, until, el("div", { class: "seat ticks" }, seat.node), place, rules.node, equipment.node),
    update({ session, identities }) {
      const mine = session.sides[side];
      const open = isCheckedIn(session);
      show(early, session.state === BEFORE);
      const waiting = open && session.check_in_until && mine.people.some(({ checked, absent }) => !checked && !absent);
      show(until, Boolean(waiting));
      put(until, waiting ? t("check_in_until", { time: timeOfDay(session.check_in_until) }) : "");
      mark(room, "level", { here: "good", lost: "bad", absent: "open" }[roomOf(session, side)]);
      put(room, roomWords(session, side));
      show(place, session.state !== BEFORE);
      keyed(people, rows, mine.people.map((person) => ({ person, open, identities })), ({ person }) => person.id,
        ({ person }) => personRow(side, person, actions));
      seat.update(Boolean(mine.seat), open);
      rules.update(mine);
      equipment.update(mine, open);
    },
  };
}

function personRow(side, { id }, actions) {
  const name = el("strong");
  const about = el("span", { class: "quiet small" });
  const first = el("span", { class: "tag", t: "first_visit" });
  const helper = el("span", { class: "tag", t: "role_interpreter" });
  const status = personStatus();
  const boxes = new Map();
  let listed = null;
  const absent = el("button", { type: "button", class: "small-button", t: "absent", on: { click: () => actions.onAbsent(side, listed) } });
  const ticks = el("div");
  const paper = el("p", { class: "document" });
  const group = el("div", { class: "ticks", role: "group" }, ticks, absent);
  return {
    node: el("li", {}, el("span", { class: "line" }, name, about, helper, first, status.node), paper, group),
    update({ person, open, identities }) {
      listed = person;
      put(name, person.name);
      put(about, person.relation);
      show(helper, person.role === "interpreter");
      show(first, Boolean(person.first_visit));
      status.update(person);
      show(paper, open);
      put(paper, open ? documentOf(identities, person) : "");
      group.setAttribute("aria-label", t("ticks_of", { name: person.name }));
      show(group, open);
      show(absent, !person.absent);
      const items = (person.required ?? []).map((tick) => ({ tick, on: person.ticked.includes(tick), open }));
      keyed(ticks, boxes, items, ({ tick }) => tick, ({ tick }) => {
        const box = tickBox(`tick_${tick}`, (on) => actions.onTick(side, id, tick, on));
        return { node: box.node, update: (item) => box.update(item.on, item.open) };
      });
    },
  };
}

/** What a person's document is checked against (Yunnan 11, Guangdong 24), or that nothing is known of it. */
function documentOf(identities, { id }) {
  if (!identities) return t("document_unread");
  const { kind, last_four: last } = identities.get(id) ?? {};
  return kind ? t("document", { kind: t(`document_${kind}`), last }) : t("document_unknown");
}

/** Whether a person is checked in or absent, or how many checks are still to do. */
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

/** Whether the room has acknowledged the rules itself, when and how. */
function rulesLine() {
  const words = el("span");
  const state = el("span", { class: "done" }, icon("clock"), words);
  return {
    node: el("p", { class: "line room-rules" }, el("span", { t: "room_rules" }), state),
    update({ rules, rules_at: at, rules_manner: manner }) {
      mark(state, "level", !rules ? "open" : manner === "unattended" ? "away" : "good");
      swapIcon(state, !rules ? "clock" : manner === "unattended" ? "warn" : "check");
      put(words, rules ? t(`rules_by_${manner ?? "touch"}`, { time: timeOfDay(at) }) : t("rules_open"));
    },
  };
}

/** One check box. `act(on)` rejects when the server refuses; then the box shows the server's state again. */
function tickBox(words, act) {
  const box = el("input", { type: "checkbox" });
  let reported = false; // by the server
  let isPending = false;
  box.addEventListener("change", async () => {
    isPending = true;
    try {
      await act(box.checked);
    } catch {
      box.checked = reported; // the caller has shown the refusal
    }
    isPending = false;
  });
  return {
    node: el("label", {}, box, el("span", { t: words })),
    update(on, open) {
      reported = on;
      if (!isPending && box.checked !== on) box.checked = on;
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
