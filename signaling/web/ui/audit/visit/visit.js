/**
 * One visit: its film with the timeline on the left; on the right who met, marks, listening again, the check of the
 * recording, and its legal holds.
 */
import { codeWords } from "../../../i18n/audit_words.js";
import { t } from "../../../i18n/i18n.js";
import { el } from "../../dom.js";
import { liveView } from "../player/live.js";
import { playerView } from "../player/player.js";
import { timelineView } from "../timeline/timeline.js";
import { headView } from "./head.js";
import { holdsView } from "./holds.js";
import { marksView } from "./marks.js";
import { ratingsView } from "./ratings.js";
import { verificationView } from "./verification.js";

const PLAYABLE = "archived";

/**
 * @param {object} visit as the server sends it
 * @param {{me, now(), onAdd, onWithdraw, onRate, onHold, onLift, onHelp, onBack, onEnd, exportsOpened()}} actions `onEnd` ends an
 *   inspection; `exportsOpened`
 *   returns what stands under "hand over" once it is opened
 */
export function visitView(visit, actions) {
  const playable = visit.recording?.state === PLAYABLE;
  const acts = actions.me.role === "auditor"; // a procurator looks on
  const seek = (second) => player?.seek(second);
  const timeline = timelineView(seek);
  const player = playable ? playerView(visit, { me: actions.me, now: actions.now, onHelp: actions.onHelp, onTime: (second) => timeline.tick(second) }) : null;
  const recorded = Boolean(visit.recording); // of a visit that never began there is no film to mark or to hear again
  const live = !acts && visit.state === "running" ? liveView(visit.session, actions.me, actions.now) : null;
  const head = headView(visit);
  const marks = marksView({ timeNow: () => player?.time ?? 0, onAdd: actions.onAdd, onWithdraw: actions.onWithdraw, onSeek: seek });
  const ratings = ratingsView(actions.onRate, actions.me.id);
  const verification = verificationView(visit.session, seek);
  const holds = holdsView(actions);
  const parts = [timeline, head, marks, ratings, verification, holds, ...(player ? [player] : []), ...(live ? [live] : [])];
  const noFilm = el("p", { class: "film-none" }, t("audit_no_film", { state: codeWords("recording", visit.recording?.state ?? "none") }));
  const node = el("div", { class: "audit-visit" },
    el("div", { class: "visit-head line" }, el("button", { type: "button", class: "small-button", t: "audit_back", on: { click: actions.onBack } }), head.title,
      ...(acts ? [] : [el("span", { class: "spring" }), el("button", { type: "button", class: "small-button", t: "audit_inspect_end", on: { click: actions.onEnd } })])),
    el("div", { class: "visit-left" }, live?.node ?? player?.node ?? noFilm, ...(recorded || live ? [timeline.node] : [])),
    el("aside", { class: "visit-right", tLabel: "audit_about" },
      el("section", { class: "visit-about", "aria-labelledby": "about-title" }, el("h2", { id: "about-title", t: "audit_about" }), head.list),
      ...(acts && recorded ? [marks.node, ratings.node] : []), ...(acts && playable ? [verification.node, exportsSection(actions.exportsOpened)] : []), ...(acts && visit.recording ? [holds.node] : [])));

  function update(changed) {
    timeline.update(changed, changed.film_seconds ?? changed.seconds ?? 0);
    marks.update(changed.marks ?? []);
    ratings.update(changed.relisten, changed.ratings ?? []);
    verification.update(changed.verification ?? null);
    holds.update(changed.holds ?? []);
  }

  return {
    node, update,
    start(at) {
      update(visit);
      player?.start(at);
      live?.start();
      timeline.tick(at);
      head.focus();
    },
    get time() { return player?.time ?? 0; },
    tick: () => (live ?? player)?.tick(),
    keys: {
      ...player?.keys,
      event(key) {
        const to = timeline.eventFrom(player?.time ?? 0, key === "]" || key === "】");
        if (to !== null) seek(to);
      },
      ...(acts && recorded ? { mark: () => marks.begin(player?.time ?? 0) } : {}),
      back: actions.onBack,
      help: actions.onHelp,
    },
    close: () => parts.forEach((part) => part.close()),
  };
}

/** The requests of the visit; they are read when the section is opened, since that is journaled. */
function exportsSection(opened) {
  const node = el("section", { class: "visit-exports" });
  const more = el("details", {}, el("summary", {}, el("h2", { t: "audit_part_exports" })));
  more.addEventListener("toggle", () => more.append(opened()), { once: true });
  node.append(more);
  return node;
}
