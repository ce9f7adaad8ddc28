/**
 * The check-in desk of my side: a line per listed person, and the room's equipment.
 */
import { el, icon, keyed, put, show } from "../dom.js";
import { t } from "../i18n.js";
import { sidesOf, watchable } from "../sessions.js";

const TICKS = ["identity", "security", "rules"];

/** @param {{onCheckIn(side, person id), onAbsent(side, person), onEquipment(side)}} acts async; reject with a problem already told */
export function checkInView(acts) {
  const views = new Map();
  const lists = el("div");
  const node = el("section", { class: "check-in", "aria-labelledby": "check-in-title" },
    el("h3", { id: "check-in-title", t: "check_in" }), lists);
  return {
    node,
    update({ session, site }) {
      const sides = session.state === "ended" ? [] : sidesOf(session, site);
      show(node, sides.length > 0);
      const items = sides.map((side) => ({ key: `${session.id}/${side}`, side, session }));
      keyed(lists, views, items, ({ key }) => key, ({ side }) => sideView(side, acts));
    },
  };
}

function sideView(side, acts) {
  const rows = new Map();
  const people = el("ul", { class: "people-list" });
  const equipment = equipmentRow(side, acts);
  const early = el("p", { class: "quiet small", t: "check_in_not_open" });
  return {
    node: el("div", {}, early, people, equipment.node),
    update({ session }) {
      const open = watchable(session);
      show(early, !open);
      const items = session.sides[side].people.map((person) => ({ person, open }));
      keyed(people, rows, items, ({ person }) => person.id, ({ person }) => personRow(side, person, acts));
      equipment.update(session.sides[side].self_test, open);
    },
  };
}

function personRow(side, { id }, acts) {
  const name = el("strong");
  const relation = el("span", { class: "quiet small" });
  const done = el("span", { class: "done" }, icon("check"), el("span", { t: "checked_in" }));
  const ticks = TICKS.map((tick) => el("input", { type: "checkbox", name: tick }));
  const button = el("button", { type: "submit", class: "small-button", t: "check_in_person" });
  let listed = null;
  const absent = el("button", { type: "button", class: "small-button", t: "absent", on: { click: () => acts.onAbsent(side, listed) } });
  const refresh = () => { button.disabled = !ticks.every((tick) => tick.checked); };
  const form = el("form", { class: "ticks" },
    ...ticks.map((tick, at) => el("label", {}, tick, el("span", { t: `tick_${TICKS[at]}` }))), absent, button);
  form.addEventListener("change", refresh);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    await acts.onCheckIn(side, id).catch(refresh);
  });
  refresh();
  return {
    node: el("li", {}, el("span", { class: "line" }, name, relation, done), form),
    update({ person, open }) {
      listed = person;
      put(name, person.name);
      put(relation, person.relation);
      form.setAttribute("aria-label", `${t("check_in_person")} ${person.name}`);
      show(done, person.checked);
      show(form, !person.checked && open);
    },
  };
}

function equipmentRow(side, acts) {
  const done = el("span", { class: "done" }, icon("check"), el("span", { t: "equipment_passed" }));
  const button = el("button", { type: "button", class: "small-button", t: "equipment_tick" });
  button.addEventListener("click", async () => {
    button.disabled = true;
    await acts.onEquipment(side).catch(() => {}); // told by the caller; the button comes back for another try
    button.disabled = false;
  });
  const words = el("span", { t: "equipment" });
  return {
    node: el("div", { class: "equipment line" }, words, el("span", { class: "spring" }), done, button),
    update(passed, open) {
      show(done, passed);
      show(button, !passed && open);
    },
  };
}
