/**
 * Today's sessions of the site, by time.
 */
import { timeOfDay } from "../clock.js";
import { el, icon, keyed, mark, put, show } from "../dom.js";
import { t } from "../i18n.js";
import { roomsOf, stateBadge } from "./facts.js";

function row(onChoose) {
  let id = "";
  const times = el("span", { class: "times" });
  const badge = stateBadge();
  const rooms = el("span", { class: "rooms" });
  const people = el("span", { class: "people" });
  const watched = el("span", { class: "watched" }, icon("eye"), el("span", { t: "watched" }));
  const button = el("button", { type: "button", class: "row", on: { click: () => onChoose(id) } },
    el("span", { class: "line" }, times, badge.node),
    rooms, el("span", { class: "line" }, people, watched));
  return {
    node: el("li", {}, button),
    update({ session, chosen, isWatched }) {
      id = session.id;
      put(times, `${timeOfDay(session.starts_at)}–${timeOfDay(session.ends_at)}`);
      badge.update(session);
      put(rooms, roomsOf(session).join(" ⇄ "));
      rooms.title = ["prison", "visitor"].map((side) => `${session.sides[side].site_name} ${session.sides[side].room_name}`).join(" ⇄ ");
      put(people, peopleOf(session));
      show(watched, isWatched);
      mark(button, "state", session.state);
      if (chosen) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    },
  };
}

function peopleOf(session) {
  const names = (side) => session.sides[side].people.map((person) => person.name).join(t("and_names"));
  return ["prison", "visitor"].map(names).filter(Boolean).join(" · ");
}

/** @param onChoose (session id) */
export function listView(onChoose) {
  const rows = new Map();
  const list = el("ol", { class: "rows" });
  const count = el("span", { class: "count" });
  const empty = el("div", { class: "empty" }, icon("clock"), el("p", { t: "no_sessions" }), el("p", { class: "quiet small", t: "no_sessions_hint" }));
  const loading = el("p", { class: "empty quiet", t: "loading" });
  return {
    node: el("nav", { class: "list", tLabel: "todays_sessions" },
      el("h2", {}, el("span", { t: "todays_sessions" }), count), loading, empty, list),
    update({ sessions, chosen, watched, loaded }) {
      show(loading, !loaded && !sessions.length);
      show(empty, loaded && !sessions.length);
      put(count, sessions.length || "");
      const items = sessions.map((session) => ({
        session, chosen: session.id === chosen, isWatched: watched.includes(session.id),
      }));
      keyed(list, rows, items, ({ session }) => session.id, () => row(onChoose));
    },
  };
}
