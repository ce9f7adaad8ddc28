/**
 * The wall of watched sessions.
 */
import { timeOfDay } from "../clock.js";
import { el, icon, keyed, mark, put, show } from "../dom.js";
import { t } from "../i18n.js";
import { roomsOf } from "./facts.js";
import { tileView } from "./tile.js";

/** @param {{onChoose(id), onSound(id, side), onRetry(id, side)}} acts */
export function wallView(acts) {
  const tiles = new Map();
  const grid = el("div", { class: "tiles" });
  const hint = el("p", { class: "quiet" });
  const empty = el("div", { class: "empty" }, icon("eye"), el("p", { t: "nothing_going_on" }), hint);
  const silent = el("p", { class: "silent" }, icon("muted"), el("span", { t: "no_sound_chosen" }));
  const stale = el("p", { class: "stale" }, icon("warn"), el("span", { t: "stale" }));
  let ids = [];
  return {
    node: el("main", { class: "wall", id: "wall", tabindex: "-1", tLabel: "wall" }, stale, silent, empty, grid),
    update({ sessions, next, chosen, watching, listening, upstream, isStale }) {
      ids = sessions;
      show(stale, isStale);
      show(empty, sessions.length === 0);
      put(hint, next ? t("next_session", { time: timeOfDay(next.starts_at), rooms: roomsOf(next).join(" ⇄ ") }) : t("no_next_session"));
      show(silent, watching.ids.length > 0 && listening.silent);
      mark(grid, "count", sessions.length);
      const items = sessions.map((session) => ({
        session, chosen: session.id === chosen, watching, listening, upstream: upstream.get(session.id),
      }));
      keyed(grid, tiles, items, ({ session }) => session.id, () => tileView(acts));
    },
    tick: (left) => ids.forEach((session) => tiles.get(session.id)?.tick(left(session))),
    levels: () => tiles.forEach((tile) => tile.levels()),
    close: () => tiles.forEach((tile) => tile.close()),
  };
}
