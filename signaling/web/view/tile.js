/**
 * One session on the wall: both pictures and, in one bar, what decides about them.
 */
import { minutesSeconds, urgency } from "../clock.js";
import { el, icon, mark, put, show, swapIcon } from "../dom.js";
import { inWords, t } from "../i18n.js";
import { SIDES } from "../sessions.js";
import { alertChip } from "./alerts.js";
import { pictureView } from "./picture.js";
import { namesOf, quorumChip, reasonOf, recordingLight, roomsOf, stateBadge } from "./facts.js";

/** @param {{onChoose(id), onSound(id, side), onRetry(id, side), onDuty(id), onZoom(id, side | null)}} acts */
export function tileView(acts) {
  let id = "";
  const badge = stateBadge();
  const number = el("span", { class: "tile-number", "aria-hidden": "true" });
  const rooms = el("button", { type: "button", class: "tile-name", on: { click: () => acts.onChoose(id) } });
  const left = el("span", { class: "left" });
  const quorums = SIDES.map(quorumChip);
  const light = recordingLight();
  const called = alertChip();
  const duty = dutyMark(() => acts.onDuty(id));
  const both = el("button", { type: "button", class: "sound both", tTitle: "listen_both", on: { click: () => acts.onSound(id, "both") } }, icon("sound"), el("span", { t: "listen_both" }));
  const zoomWords = el("span", { class: "unseen" });
  const enlarge = el("button", { type: "button", class: "dark zoom", on: { click: () => acts.onZoom(id, null) } }, icon("enlarge"), zoomWords);
  const who = SIDES.map((side) => el("span", { data: { side } }));
  const slateWords = el("span");
  const slate = el("p", { class: "slate" }, icon("held"), slateWords);
  const pictures = SIDES.map((side) => pictureView(side, {
    onSound: (which) => acts.onSound(id, which),
    onRetry: (which) => acts.onRetry(id, which),
    onZoom: (which) => acts.onZoom(id, which),
  }));
  const bar = el("div", { class: "tile-bar", on: { dblclick: (event) => event.target.closest("button") || acts.onZoom(id, null) } },
    el("div", { class: "tile-head" }, number, badge.node, rooms, el("span", { class: "spring" }), left),
    el("div", { class: "tile-facts" }, called.node, ...quorums.map((chip) => chip.node), light.node,
      el("span", { class: "tile-acts" }, duty.node, both, enlarge)));
  const names = el("p", { class: "tile-who", "aria-hidden": "true" }, icon("people"), ...who); // the chips say it, too
  const node = el("article", { class: "tile", tabindex: "-1" }, bar, names, slate,
    el("div", { class: "pictures" }, ...pictures.map((picture) => picture.node)));
  return {
    node,
    update({ session, chosen, watching, listening, upstream, isDuty, zoom, standing, number: at }) {
      id = session.id;
      const over = session.state === "ended";
      node.setAttribute("aria-label", roomsOf(session).join(" ⇄ "));
      mark(node, "chosen", chosen);
      mark(node, "state", session.state);
      mark(node, "duty", isDuty);
      mark(node, "zoomed", Boolean(zoom));
      mark(node, "side", zoom?.side ?? "");
      put(number, at <= 9 ? at : "");
      badge.update(session);
      put(rooms, roomsOf(session).join(" ⇄ "));
      rooms.title = rooms.textContent;
      for (const chip of quorums) {
        chip.update(session);
        show(chip.node, !over);
      }
      SIDES.forEach((side, which) => put(who[which], `${t(`side_short_${side}`)}${t("colon")}${namesOf(session.quorum[side].have)}`));
      show(names, !over);
      light.update(session);
      called.update(session);
      duty.update(isDuty, standing);
      show(duty.node, !over);
      const listeningBoth = listening.is(session.id, "both");
      both.setAttribute("aria-pressed", String(listeningBoth));
      show(both, watching.has(session.id));
      swapIcon(enlarge, zoom ? "shrink" : "enlarge");
      put(zoomWords, t(zoom ? "zoom_out" : "zoom_in"));
      enlarge.title = zoomWords.textContent;
      show(slate, session.state === "held" || over);
      put(slateWords, `${t(`state_${session.state}`)}${t("colon")}${reasonOf(session)}`);
      SIDES.forEach((side, which) => pictures[which].update({
        session, whep: watching.get(session.id, side), zoomed: zoom?.side === side,
        heard: listening.hears(session.id, side), upstream: upstream?.sides[side],
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

/** Whether this session is the officer's duty, and whether they are counted for it: two things that must not be mixed. */
function dutyMark(onDuty) {
  const words = el("span");
  const node = el("button", { type: "button", class: "dark duty-mark", on: { click: onDuty } }, icon("star"), words);
  return {
    node,
    /** @param standing the server's word on this session, or null where it said none yet */
    update(isDuty, standing) {
      const lacking = isDuty && standing && !standing.counted;
      node.setAttribute("aria-pressed", String(isDuty));
      mark(node, "level", !isDuty ? "none" : lacking ? "bad" : standing ? "good" : "wait");
      swapIcon(node, lacking ? "warn" : isDuty ? "star" : "eye");
      put(words, t(!isDuty ? "looked_at" : lacking ? "duty_not_counted" : "on_duty"));
      node.title = lacking ? standing.why.map(inWords).join(t("and_then")) : t(isDuty ? "duty_hint" : "looked_at_hint");
    },
  };
}
