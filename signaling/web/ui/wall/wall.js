/**
 * The wall: as many sessions as its layout holds, or one of them in full with the other duty beside it.
 */
import { t } from "../../i18n/i18n.js";
import { roomNames } from "../../i18n/session_words.js";
import { timeOfDay } from "../../state/clock.js";
import { el, icon, keyed, mark, put, show } from "../dom.js";
import { tileView } from "./tile.js";
import { toolbarView } from "./toolbar.js";

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @param {{onChoose(id), onSound(id, side), onRetry(id, side), onDuty(id), onZoom(id, side), onLayout(size), onHelp()}} actions */
export function wallView(actions) {
  const tiles = new Map();
  const toolbar = toolbarView(actions);
  const grid = el("div", { class: "tiles" });
  const hint = el("p", { class: "quiet" });
  const empty = el("div", { class: "empty" }, icon("eye"), el("p", { t: "nothing_going_on" }), hint);
  const stale = el("p", { class: "stale" }, icon("warn"), el("span", { t: "stale" }));
  let ids = [];
  return {
    node: el("main", { class: "wall", id: "wall", tabindex: "-1", tLabel: "wall" }, toolbar.node, stale, empty, grid),
    update({ sessions, next, chosen, watched, listening, qualities, isStale, places, zoom, presence }) {
      ids = sessions;
      show(stale, isStale);
      show(empty, sessions.length === 0);
      put(hint, next ? t("next_session", { time: timeOfDay(next.starts_at), rooms: roomNames(next) }) : t("no_next_session"));
      toolbar.update({
        size: places.size, dutyCount: places.duty.length, limit: places.limit,
        isSilent: watched.ids.length > 0 && listening.silent,
      });
      mark(grid, "count", sessions.length);
      mark(grid, "zoom", Boolean(zoom));
      mark(grid, "strip", sessions.some(({ id }) => id !== zoom?.id && places.isDuty(id)));
      const items = sessions.map((session, at) => ({
        session, chosen: session.id === chosen, watched, listening, quality: qualities.get(session.id), number: at + 1,
        isDuty: places.isDuty(session.id), zoom: zoom?.id === session.id ? zoom : null,
        presence: presence?.sessions.find((status) => status.session === session.id) ?? null,
      }));
      keyed(grid, tiles, items, ({ session }) => session.id, () => tileView(actions));
    },
    /** The id of the n-th tile, or undefined. */
    numbered: (number) => ids[number - 1]?.id,
    /** The id of the tile beside `id` in an arrow's direction, or `id` where there is none. */
    beside: (id, key) => nearest(tiles, id, WAYS[key]),
    focus: (id) => tiles.get(id)?.node.focus({ preventScroll: true }),
    tick: (left) => ids.forEach((session) => tiles.get(session.id)?.tick(left(session))),
    levels: () => tiles.forEach((tile) => tile.levels()),
    close: () => tiles.forEach((tile) => tile.close()),
  };
}

/** The tile that is nearest on the screen in a direction, whatever the layout. */
function nearest(tiles, from, [right, down]) {
  const middle = (id) => {
    const { left, top, width, height } = tiles.get(id).node.getBoundingClientRect();
    return width ? [left + width / 2, top + height / 2] : null; // not laid out
  };
  const start = tiles.has(from) && middle(from);
  if (!start) return tiles.keys().next().value;
  const away = [...tiles.keys()].map((id) => {
    const there = middle(id);
    if (!there) return { id, along: 0, far: Infinity };
    const [x, y] = [there[0] - start[0], there[1] - start[1]];
    return { id, along: x * right + y * down, far: Math.hypot(x * (down ? 3 : 1), y * (right ? 3 : 1)) };
  });
  const ahead = away.filter(({ along }) => along > 1).sort((a, b) => a.far - b.far);
  return ahead[0]?.id ?? from;
}
