/**
 * The page of a signed-in officer: top bar, alerts, list of the day, wall, and the details of the chosen session.
 */
import { visitName } from "../i18n/session_words.js";
import { handedOver } from "../state/leaving.js";
import { wallOnly } from "../state/wall/columns.js";
import { alertsView } from "./alerts/alerts.js";
import { onAirView } from "./alerts/on_air.js";
import { presenceStatus } from "./alerts/presence_status.js";
import { detailsView } from "./details/details.js";
import { suspensionsView } from "./details/suspension.js";
import { el, mark } from "./dom.js";
import { absencesView, rebookingsView } from "./follow_ups.js";
import { headerView } from "./header.js";
import { inboxView } from "./inbox/inbox.js";
import { guardActs, markSending, orderStatusView } from "./order_status.js";
import { handoversView } from "./leaving.js";
import { listView } from "./session_list.js";
import { keepSheet } from "./sheet.js";
import { focusKeeper } from "./wall/focus.js";
import { wallView } from "./wall/wall.js";

/**
 * @param {boolean} supervises whether there is a wall
 * @param {object} actions see app/actions.js
 * @param {HTMLElement} player plays the talkback of colleagues
 */
export function dutyView(supervises, actions, player) {
  const status = presenceStatus();
  const header = headerView(actions, status.node);
  const alerts = alertsView(actions);
  const list = listView(actions.onChoose);
  const suspensions = suspensionsView(actions);
  const wall = wallView(actions);
  const details = detailsView(actions);
  const onAir = onAirView(actions.onStopTalkback);
  const [rebookings, absences] = [rebookingsView(actions), absencesView(actions)];
  const [orderStatus, handovers] = [orderStatusView(actions), handoversView(actions)];
  orderStatus.node.append(handovers.node);
  const inbox = supervises ? null : inboxView(actions, { suspensions, absences });
  if (supervises) list.node.append(rebookings.node, absences.node, suspensions.node);
  const node = el("div", { class: "duty", data: { wall: wallOnly() ? "only" : "beside" } }, header.node, ...(supervises ? [alerts.strip] : []),
    el("div", { class: "columns" }, list.node, supervises ? wall.node : inbox.node, details.node, ...(supervises ? [alerts.drawer] : [])), onAir.node, orderStatus.node, player);
  const guard = guardActs(node);
  const main = () => node.querySelector("#wall");
  const keepFocus = focusKeeper(node, () => node.querySelector('.tile[data-chosen="true"]') ?? main());
  function updateLists({ suspensions: proposals, followUps }) {
    suspensions.update(proposals);
    rebookings.update(followUps.rebookings);
    absences.update(followUps.absences);
  }

  return {
    node, wall, details, focus: () => main().focus({ preventScroll: true }),
    /** @param {{state, watched, talkback, suspensions, followUps, conflicts, grounds, farewellCode, mustEnd, notices, mayExtend, mayPropose}} model */
    update(model) {
      const { state, watched, talkback } = model;
      const sessions = state.todays;
      const isDown = state.hasDay && state.connection !== "up";
      mark(node, "size", state.places.size);
      const columns = { list: folded(state, "list"), desk: folded(state, "desk") };
      mark(node, "list", columns.list ? "folded" : "open");
      mark(node, "desk", columns.desk ? "folded" : "open");
      mark(node, "link", state.hasDay ? state.connection : "up");
      const counts = handedOver(sessions, state.me).length > 0;
      header.update({ me: state.me, siteName: siteName(state.me, sessions), connection: state.connection, counts }, model.conflicts);
      orderStatus.update({
        orders: model.orders, sessionOf: (id) => state.sessions.get(id),
        connection: isDown ? state.connection : "up", leaseMs: state.leaseMs,
      });
      handovers.update({ handovers: model.handovers, me: state.me, sessionOf: (id) => state.sessions.get(id) });
      node.style.setProperty("--status", `${heightOfStatus(orderStatus.node, details.node)}px`);
      status.update(state.presence, { isStale: isDown, roomNamesOf: (id) => roomNamesOf(state, id), isDuty: state.places.isDuty });
      alerts.update(supervises ? sessions : [], state.clock.now(), state.history);
      alerts.followOrders(model.orders, (id) => state.sessions.get(id));
      if (inbox) inbox.update({ sessions, site: state.me.site, suspensions: model.suspensions, followUps: model.followUps });
      else updateLists(model);
      list.update({
        sessions, chosen: state.chosen, watched: watched.ids, duty: state.places.duty, loaded: state.hasDay,
      });
      wall.update({ ...wallModel(state, watched, sessions), columns });
      details.update(detailsModel(model));
      keepSheet({ chosen: state.chosen, ofAny: !supervises, sessionOf: (id) => state.sessions.get(id) });
      guard(isDown);
      markSending(details.node, model.orders.filter(({ session }) => session === state.chosen));
      onAir.update(talkback, state.sessions.get(talkback.session));
    },
    tick(state) {
      header.tick(state.clock.now());
      alerts.tick(state.clock.now());
      wall.tick((session) => state.remaining(session));
      const session = state.chosenSession;
      if (session) details.tick(state.remaining(session), session);
      keepFocus();
    },
    levels: wall.levels,
    close: () => [onAir, wall, alerts].forEach((part) => part.close()),
  };
}

/** The height that orders without an answer and handovers take at the top of the desk, which begins below them. */
function heightOfStatus(status, desk) {
  if (!status.querySelector('li:not([data-state="sending"])')) return 0;
  return Math.max(0, Math.ceil(status.getBoundingClientRect().bottom - desk.getBoundingClientRect().top) + 4);
}

/** The name of a visit; its id where the session has not been received. */
export function roomNamesOf(state, id) {
  const session = state.sessions.get(id);
  return session ? visitName(session) : id;
}

/** Whether a column beside the wall is folded; an approver has no wall, and all of the columns. */
const folded = ({ supervises, columns, places }, name) => supervises && columns.isFolded(name, places.wanted);

function siteName(me, [session]) {
  const mine = session && Object.values(session.sides).find(({ site }) => site === me.site);
  return me.site_name ?? mine?.site_name ?? me.site;
}

function wallModel(state, watched, sessions) {
  const { chosen, listening, qualities, places, zoom, presence } = state;
  return {
    sessions: sessions.filter(({ id, state: at }) => watched.has(id) || (id === chosen && at === "ended")),
    next: sessions.find(({ state: at }) => at === "scheduled"),
    chosen, watched, listening, qualities, places, zoom, presence, now: state.clock.now(),
  };
}

function detailsModel({ state, watched, talkback, grounds, farewellCode, mustEnd, notices, identities, mayExtend, mayRequest, mayPropose }) {
  const { chosen, supervises, me } = state;
  return {
    session: state.chosenSession, site: supervises ? me.site : null, supervises, isWatched: watched.has(chosen),
    received: (side) => watched.get(chosen, side)?.rates ?? null, quality: state.qualities.get(chosen),
    talkback, me: me.id, grounds, farewellCode, mustEnd, notices, identities, mayExtend, mayRequest, mayPropose,
  };
}
