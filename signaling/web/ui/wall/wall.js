/**
 * The wall: as many sessions as its layout holds, the one in trouble larger than the others, or one in full with the
 * other duty beside it. Where every picture stands is computed by state/wall/wall_geometry.js.
 */
import { t } from "../../i18n/i18n.js";
import { visitName } from "../../i18n/session_words.js";
import { timeOfDay } from "../../state/clock.js";
import { spotlight } from "../../state/wall/trouble.js";
import { capacity, leastFor, wallGeometry, zoomGeometry } from "../../state/wall/wall_geometry.js";
import { el, icon, keyed, mark, put, show } from "../dom.js";
import { tileView } from "./tile.js";
import { toolbarView } from "./toolbar.js";

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const SETTLE = 150; // ms after the last change of the area until the number of visits follows it

/** @param {{onOpen(id), onSound(id, side), onRetry(id, side), onDuty(id), onZoom(id, side), onLayout(size), onArea(count), onFold(column), onHelp()}} actions */
export function wallView(actions) {
  const tiles = new Map();
  const toolbar = toolbarView(actions);
  const grid = el("div", { class: "tiles" });
  const hint = el("p", { class: "quiet" });
  const empty = el("div", { class: "empty" }, icon("eye"), el("p", { t: "nothing_going_on" }), hint);
  let shown = null; // the last model
  let spot = null; // id of the session that is larger
  const area = () => ({ width: grid.clientWidth, height: grid.clientHeight, least: leastIn(grid) });
  const follow = followArea(grid, area, () => shown && place(shown), actions.onArea);

  /** Lays the tiles out anew; duty stays in sight beside a visit in full. */
  function place({ sessions, zoom, places }) {
    const room = area();
    if (!room.width || !room.height) return;
    const others = sessions.filter(({ id }) => id !== zoom?.id && places.isDuty(id));
    const zoomed = zoom && zoomGeometry(room, others.length, zoom.side);
    const inFull = zoomed?.fits ? [sessions.find(({ id }) => id === zoom.id), ...others] : sessions;
    const { tiles: rectangles, stacked } = zoomed?.fits
      ? zoomed : wallGeometry(room, sessions.length, sessions.findIndex(({ id }) => id === spot));
    const at = new Map(inFull.map(({ id }, index) => [id, rectangles[index]]));
    for (const { id } of sessions) tiles.get(id)?.place(at.get(id) ?? null, stacked);
    mark(grid, "zoom", Boolean(zoomed?.fits));
  }

  return {
    node: el("main", { class: "wall", id: "wall", tabindex: "-1", data: { reads: "true" }, tLabel: "wall" }, toolbar.node, empty, grid),
    update(model) {
      const { sessions, next, chosen, watched, listening, qualities, places, zoom, presence, columns, now } = shown = model;
      spot = spotlight(sessions, spot, now, places.isDuty);
      show(empty, sessions.length === 0);
      put(hint, next ? t("next_session", { time: timeOfDay(next.starts_at), rooms: visitName(next) }) : t("no_next_session"));
      toolbar.update({
        size: places.size, dutyCount: places.duty.length, limit: places.limit, columns, offered: offered(area(), places),
        isSilent: watched.ids.length > 0 && listening.silent,
      });
      mark(grid, "count", sessions.length);
      const mayZoom = mayZoomIn(area(), sessions, places);
      const items = sessions.map((session, at) => ({
        session, chosen: session.id === chosen, watched, listening, quality: qualities.get(session.id), number: at + 1,
        now, isDuty: places.isDuty(session.id), zoom: zoom?.id === session.id ? zoom : null, mayZoom, trouble: session.id === spot,
        presence: presence?.sessions.find((status) => status.session === session.id) ?? null,
      }));
      keyed(grid, tiles, items, ({ session }) => session.id, () => tileView(actions));
      place(shown);
    },
    /** The id of the n-th tile, or undefined. */
    numbered: (number) => shown?.sessions[number - 1]?.id,
    /** The id of the tile beside `id` in an arrow's direction, or `id` where there is none. */
    beside: (id, key) => nearest(tiles, id, WAYS[key]),
    /** Presses the button by which the officer takes duty for a visit, or leaves it. */
    pressDuty: (id) => tiles.get(id)?.pressDuty(),
    focus: (id) => tiles.get(id)?.node.focus({ preventScroll: true }),
    tick: (left) => shown?.sessions.forEach((session) => tiles.get(session.id)?.tick(left(session))),
    levels: () => tiles.forEach((tile) => tile.levels()),
    close() {
      follow.close();
      tiles.forEach((tile) => tile.close());
    },
  };
}

/** The least width of the boxes of the pictures that are there. */
const leastIn = (grid) => leastFor([...grid.querySelectorAll("video")].filter(({ videoHeight: high }) => high)
  .map(({ videoWidth: across, videoHeight: high }) => across / high));

/** Places at once when the area or a picture's shape changes, and tells how many visits it holds once it has settled. */
function followArea(grid, area, place, onArea) {
  let timer = 0;
  const follow = () => {
    place();
    clearTimeout(timer);
    const now = area();
    if (now.width && now.height) timer = setTimeout(() => onArea(capacity(now)), SETTLE);
  };
  const observer = new ResizeObserver(follow);
  observer.observe(grid);
  grid.addEventListener("resize", follow, true); // of a video, which does not bubble
  return {
    close() {
      clearTimeout(timer);
      observer.disconnect();
    },
  };
}

/** How many visits the window can hold with both columns folded: larger layouts are not offered. */
const offered = ({ height, least }) => capacity({ width: innerWidth - 16, height, least });

/** Whether a visit can be shown in full with all other duty in pictures that count. */
function mayZoomIn(area, sessions, places) {
  const duty = sessions.filter(({ id }) => places.isDuty(id)).length;
  return sessions.length > 0 && zoomGeometry(area, Math.max(0, duty - 1), "prison").fits;
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
