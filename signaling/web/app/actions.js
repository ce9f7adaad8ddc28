/**
 * What buttons and keys of the duty page do.
 */
import { SIDES, sidesOf, watchable } from "../state/sessions.js";
import { LAYOUTS } from "../state/wall/wall_places.js";
import { showHelp } from "../ui/help.js";

/**
 * Actions of the buttons, by the name under which a view calls them.
 * @param {{state, watched, orders, interventions, extension, suspension, followUps, wallLayout, talkback, draw, signOut}} parts
 */
export function buttonActions(parts) {
  const { state, watched, orders, interventions, extension, suspension, wallLayout, talkback, draw } = parts;
  const chosen = () => state.chosenSession;
  const choose = (id) => { state.chosen = id; draw(); };
  return {
    onSignOut: parts.signOut,
    onDismiss: parts.dismissOrder,
    onHandOver: parts.handOver,
    onAnswerHandover: parts.answerHandover,
    onChoose: choose,
    onOpen: (id) => { state.columns.openDesk(); choose(id); },
    onFold: (column, folded) => { state.columns.fold(column, folded); draw(); },
    onHistory: parts.loadHistory,
    onArea: (count) => wallLayout.hold(count),
    onSound: (id, side) => { state.listening.toggle(id, side); choose(id); },
    onRetry: (id, side) => watched.get(id, side)?.retry(),
    onDuty: (id) => { choose(id); wallLayout.toggleDuty(id); },
    onZoom: (id, side) => { state.toggleZoom(id, side); draw(); },
    onLayout: (size) => wallLayout.resize(size),
    onHelp: () => showHelp(),
    onWatch: () => wallLayout.watch(state.chosen),

    onHold: () => mayStop(state) && interventions.hold(chosen()),
    onFinish: () => {
      const code = interventions.farewellCodeOf(chosen());
      return code && orders.finish(chosen(), code);
    },
    onGoOn: () => orders.send("go_on", chosen(), {}, "done_go_on"),
    onDecline: (request) => parts.followUps.decline(request),
    onDecideAbsence: (absence, decision) => parts.followUps.decide(absence, decision),
    onAnnounce: (session, code) => parts.followUps.announce(session, code),
    onFile: (announcement) => parts.followUps.file(announcement),
    onApproveSecond: (session) => parts.followUps.approveSecond(session),
    onResume: () => orders.resume(chosen()),
    onTick: (side, person, tick, on) => orders.tick(chosen(), side, person, tick, on),
    onSeat: (side, ready) => orders.seat(chosen(), side, ready),
    onAbsent: (side, person) => orders.absent(chosen(), side, person),
    onEquipment: (side, passed, reason) => orders.equipment(chosen(), side, passed, reason),
    onRetest: (side) => orders.retest(chosen(), side),
    onOverrideDrill: (reason) => orders.overrideDrill(chosen(), reason),
    onTakeAlert: (session, alert) => orders.send("take_alert", session, { alert }),
    onFinishAlert: (session, alert) => orders.send("finish_alert", session, { alert }),

    onWarn: () => interventions.warn(chosen()),
    onMute: (side) => interventions.mute(chosen(), side),
    onStop: () => mayStop(state) && interventions.stop(chosen()),
    onNote: (text) => interventions.note(chosen(), text),
    onExtend: () => extension.extend(chosen()),
    onRequestExtension: () => extension.request(chosen()),
    onDeclineExtension: () => extension.decline(chosen()),
    onApproveFor: (session) => extension.extend(session),
    onDeclineFor: (session) => extension.decline(session),
    onPropose: () => suspension.propose(chosen()),
    onDecide: (proposal) => suspension.decide(proposal),
    onTalkback: (sides, article) => talkback.start(state.chosen, sides, article),
    // ends my own talkback, or a colleague's
    onStopTalkback: () => (talkback.busy ? talkback.stop() : parts.stopColleague(chosen())),
  };
}

/** Whether the chosen session can be stopped here, by button or key. */
function mayStop(state) {
  const session = state.chosenSession;
  return state.supervises && session && watchable(session) && sidesOf(session, state.me.site).length > 0;
}

/**
 * Actions of the keys that no button of the chosen session carries; false: there is nothing to do for this key.
 * @param {{state, watched, wallLayout, view, draw}} parts
 */
export function keyActions({ state, watched, wallLayout, view, draw }) {
  const whileWatched = (act) => () => (watched.has(state.chosen) ? act(state.chosen) : false);
  const choose = (id) => {
    if (!id) return false;
    state.chosen = id;
    if (state.zoom) state.zoom = { id, side: state.zoom.side };
    draw();
    view.wall.focus(id);
  };
  const zoom = (id, side) => { state.toggleZoom(id, side); draw(); };
  return {
    move: (key) => choose(view.wall.beside(state.chosen, key)),
    number: (key) => choose(view.wall.numbered(Number(key))),
    zoom: whileWatched((id) => zoom(id, null)),
    zoomPrison: whileWatched((id) => zoom(id, SIDES[0])),
    zoomVisitor: whileWatched((id) => zoom(id, SIDES[1])),
    back: () => (state.zoom ? zoom(state.zoom.id, state.zoom.side) : state.columns.closeDesk() ? draw() : false),
    sound: whileWatched((id) => { state.listening.toggle(id, "both"); draw(); }),
    duty: whileWatched((id) => view.wall.pressDuty(id)),
    layout: () => wallLayout.resize(LAYOUTS[(LAYOUTS.indexOf(state.places.size) + 1) % LAYOUTS.length]),
    note: () => view.details.focusNote(),
    help: () => showHelp(),
  };
}
