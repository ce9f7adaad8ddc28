/**
 * Today's sessions of the site in groups (going on, waiting, later, over), each by time.
 */
import { t } from "../i18n/i18n.js";
import { roomWords, shortSideKey, visitName, visitPlace } from "../i18n/session_words.js";
import { timeOfDay } from "../state/clock.js";
import { roomOf, SIDES, watchable } from "../state/sessions.js";
import { partiesOf } from "../state/visit_names.js";
import { el, icon, keyed, mark, put, show } from "./dom.js";
import { stateBadge } from "./session_badges.js";

const GROUPS = [
  ["going_on", new Set(["live", "held"])],
  ["waiting", new Set(["check_in", "ready"])],
  ["later", new Set(["scheduled"])],
  ["over", new Set(["ended"])],
];

/** @param onChoose (session id) */
export function listView(onChoose) {
  const groups = GROUPS.map(([name, states]) => groupView(name, states, onChoose));
  const empty = el("div", { class: "empty" }, icon("clock"), el("p", { t: "no_sessions" }), el("p", { class: "quiet small", t: "no_sessions_hint" }));
  const loading = el("p", { class: "empty quiet", t: "loading" });
  return {
    node: el("nav", { class: "list", tLabel: "todays_sessions" },
      el("h2", { t: "todays_sessions" }), loading, empty, ...groups.map(({ node }) => node)),
    update({ sessions, chosen, watched, duty, loaded }) {
      show(loading, !loaded && !sessions.length);
      show(empty, loaded && !sessions.length);
      const items = sessions.map((session) => ({
        session, chosen: session.id === chosen, isWatched: watched.includes(session.id), isDuty: duty.includes(session.id),
      }));
      groups.forEach((group) => group.update(items));
    },
  };
}

function groupView(name, states, onChoose) {
  const rows = new Map();
  const count = el("span", { class: "count" });
  const list = el("ol", { class: "rows", "aria-labelledby": `list-${name}` });
  const node = el("section", { class: "group", data: { group: name } },
    el("h3", { id: `list-${name}` }, el("span", { t: `list_${name}` }), " ", count), list);
  return {
    node,
    update(all) {
      const items = all.filter(({ session }) => states.has(session.state));
      show(node, items.length > 0);
      put(count, items.length);
      keyed(list, rows, items, ({ session }) => session.id, () => row(onChoose));
    },
  };
}

function row(onChoose) {
  let id = "";
  const times = el("span", { class: "times" });
  const badge = stateBadge();
  const name = el("span", { class: "visit-name" });
  const rooms = el("span", { class: "rooms" });
  const lines = el("span", { class: "room-lines" });
  const people = el("span", { class: "people" });
  const words = el("span");
  const watched = el("span", { class: "watched" }, icon("eye"), words);
  const button = el("button", { type: "button", class: "row", data: { reads: "true" }, on: { click: () => onChoose(id) } },
    el("span", { class: "line" }, times, badge.node),
    name, rooms, lines, el("span", { class: "line" }, people, watched));
  return {
    node: el("li", {}, button),
    update({ session, chosen, isWatched, isDuty }) {
      id = session.id;
      put(times, `${timeOfDay(session.starts_at)}–${timeOfDay(session.ends_at)}`);
      badge.update(session);
      put(name, visitName(session));
      name.title = name.textContent;
      put(rooms, visitPlace(session));
      rooms.title = SIDES.map((side) => `${session.sides[side].site_name} ${session.sides[side].room_name}`).join(" ⇄ ");
      const gone = watchable(session) ? SIDES.filter((side) => roomOf(session, side) !== "here") : [];
      show(lines, gone.length > 0);
      mark(lines, "level", gone.some((side) => roomOf(session, side) === "lost") ? "lost" : "absent");
      put(lines, gone.map((side) => t("room_of", { side: t(shortSideKey(session, side)), room: roomWords(session, side) })).join(t("and_then")));
      put(people, kinOf(session));
      people.title = people.textContent;
      show(watched, isWatched);
      put(words, t(isDuty ? "on_duty" : "looked_at"));
      mark(button, "state", session.state);
      if (chosen) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    },
  };
}

/** The people whom the prisoner meets; between two prisons the visit's name has them already. */
const kinOf = (session) => (session.between_inmates ? "" : partiesOf(session, "visitor").join(t("and_names")));
