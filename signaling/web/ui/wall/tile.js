/**
 * One session on the wall: both pictures, and one bar with state, quorum, recording and duty.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { namesOf, reasonOf, roomNames, shortSideKey } from "../../i18n/session_words.js";
import { minutesSeconds, urgency } from "../../state/clock.js";
import { SIDES } from "../../state/sessions.js";
import { alertChip } from "../alerts/alerts.js";
import { el, icon, mark, put, show, swapIcon } from "../dom.js";
import { quorumChip, recordingLight, stateBadge } from "../session_badges.js";
import { pictureView } from "./picture.js";

/** @param {{onChoose(id), onSound(id, side), onRetry(id, side), onDuty(id), onZoom(id, side | null)}} actions */
export function tileView(actions) {
  let id = "";
  const badge = stateBadge();
  const number = el("span", { class: "tile-number", "aria-hidden": "true" });
  const rooms = el("button", { type: "button", class: "tile-name", on: { click: () => actions.onChoose(id) } });
  const left = el("span", { class: "left" });
  const quorums = SIDES.map(quorumChip);
  const light = recordingLight();
  const alerts = alertChip();
  const duty = dutyMark(() => actions.onDuty(id));
  const both = el("button", { type: "button", class: "sound both", tTitle: "listen_both", on: { click: () => actions.onSound(id, "both") } }, icon("sound"), el("span", { t: "listen_both" }));
  const zoomWords = el("span", { class: "unseen" });
  const enlarge = el("button", { type: "button", class: "dark zoom", on: { click: () => actions.onZoom(id, null) } }, icon("enlarge"), zoomWords);
  const officers = SIDES.map((side) => el("span", { data: { side } }));
  const slateWords = el("span");
  const slate = el("p", { class: "slate" }, icon("held"), slateWords);
  const pictures = SIDES.map((side) => pictureView(side, {
    onSound: (which) => actions.onSound(id, which),
    onRetry: (which) => actions.onRetry(id, which),
    onZoom: (which) => actions.onZoom(id, which),
  }));
  const bar = el("div", { class: "tile-bar", on: { dblclick: (event) => event.target.closest("button") || actions.onZoom(id, null) } },
    el("div", { class: "tile-head" }, number, badge.node, rooms, el("span", { class: "spring" }), left),
    el("div", { class: "tile-facts" }, alerts.node, ...quorums.map((chip) => chip.node), light.node,
      el("span", { class: "tile-actions" }, duty.node, both, enlarge)));
  const names = el("p", { class: "tile-officers", "aria-hidden": "true" }, icon("people"), ...officers); // the chips hold it, too
  const node = el("article", { class: "tile", tabindex: "-1" }, bar, names, slate,
    el("div", { class: "pictures" }, ...pictures.map((picture) => picture.node)));
  return {
    node,
    update({ session, chosen, watched, listening, quality, isDuty, zoom, presence, number: at }) {
      id = session.id;
      const over = session.state === "ended";
      node.setAttribute("aria-label", roomNames(session));
      mark(node, "chosen", chosen);
      mark(node, "state", session.state);
      mark(node, "duty", isDuty);
      mark(node, "zoomed", Boolean(zoom));
      mark(node, "side", zoom?.side ?? "");
      put(number, at <= 9 ? at : "");
      badge.update(session);
      put(rooms, roomNames(session));
      rooms.title = rooms.textContent;
      for (const chip of quorums) {
        chip.update(session);
        show(chip.node, !over);
      }
      SIDES.forEach((side, which) => put(officers[which], `${t(shortSideKey(session, side))}${t("colon")}${namesOf(session.quorum[side].have)}`));
      show(names, !over);
      light.update(session);
      alerts.update(session);
      duty.update(isDuty, presence);
      show(duty.node, !over);
      const listeningBoth = listening.is(session.id, "both");
      both.setAttribute("aria-pressed", String(listeningBoth));
      show(both, watched.has(session.id));
      swapIcon(enlarge, zoom ? "shrink" : "enlarge");
      put(zoomWords, t(zoom ? "zoom_out" : "zoom_in"));
      enlarge.title = zoomWords.textContent;
      show(slate, session.state === "held" || over);
      put(slateWords, `${t(`state_${session.state}`)}${t("colon")}${reasonOf(session)}`);
      SIDES.forEach((side, which) => pictures[which].update({
        session, whep: watched.get(session.id, side), zoomed: zoom?.side === side,
        heard: listening.hears(session.id, side), sent: quality?.sides[side],
      }));
    },
    tick(ms) {
      show(left, ms !== null);
      mark(left, "urgency", urgency(ms));
      put(left, ms === null ? "" : minutesSeconds(ms));
    },
    levels: () => pictures.forEach((picture) => picture.level()),
    close: () => pictures.forEach((picture) => picture.close()),
  };
}

/** Shows whether this session is the officer's duty and, which is another thing, whether they count for it. */
function dutyMark(onDuty) {
  const words = el("span");
  const node = el("button", { type: "button", class: "dark duty-mark", on: { click: onDuty } }, icon("star"), words);
  return {
    node,
    /** @param presence the server's status of the officer for this session, or null before it */
    update(isDuty, presence) {
      const lacking = isDuty && presence && !presence.counted;
      node.setAttribute("aria-pressed", String(isDuty));
      mark(node, "level", !isDuty ? "none" : lacking ? "bad" : presence ? "good" : "wait");
      swapIcon(node, lacking ? "warn" : isDuty ? "star" : "eye");
      put(words, t(!isDuty ? "looked_at" : lacking ? "duty_not_counted" : "on_duty"));
      node.title = lacking ? presence.why.map(inWords).join(t("and_then")) : t(isDuty ? "duty_hint" : "looked_at_hint");
    },
  };
}
