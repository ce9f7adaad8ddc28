/**
 * One session on the wall: both pictures and, in one bar, what decides about them.
 */
import { minutesSeconds, urgency } from "../clock.js";
import { el, icon, mark, put, show } from "../dom.js";
import { t } from "../i18n.js";
import { SIDES } from "../sessions.js";
import { pictureView } from "./picture.js";
import { quorumChip, reasonOf, recordingLight, roomsOf, stateBadge } from "./facts.js";

/** @param {{onChoose(id), onSound(id, side), onRetry(id, side)}} acts */
export function tileView(acts) {
  let id = "";
  const badge = stateBadge();
  const rooms = el("button", { type: "button", class: "tile-name", on: { click: () => acts.onChoose(id) } });
  const left = el("span", { class: "left" });
  const quorums = SIDES.map(quorumChip);
  const light = recordingLight();
  const both = el("button", { type: "button", class: "sound both", on: { click: () => acts.onSound(id, "both") } }, icon("sound"), el("span", { t: "listen_both" }));
  const slateWords = el("span");
  const slate = el("p", { class: "slate" }, icon("held"), slateWords);
  const pictures = SIDES.map((side) => pictureView(side, {
    onSound: (which) => acts.onSound(id, which),
    onRetry: (which) => acts.onRetry(id, which),
  }));
  const node = el("article", { class: "tile" },
    el("div", { class: "tile-bar" }, badge.node, rooms, el("span", { class: "spring" }),
      ...quorums.map((chip) => chip.node), light.node, left, both),
    slate,
    el("div", { class: "pictures" }, ...pictures.map((picture) => picture.node)));
  return {
    node,
    update({ session, chosen, watching, listening, upstream }) {
      id = session.id;
      node.setAttribute("aria-label", roomsOf(session).join(" ⇄ "));
      mark(node, "chosen", chosen);
      mark(node, "state", session.state);
      badge.update(session);
      put(rooms, roomsOf(session).join(" ⇄ "));
      rooms.title = rooms.textContent;
      for (const chip of quorums) {
        chip.update(session);
        show(chip.node, session.state !== "ended");
      }
      light.update(session);
      const listeningBoth = listening.is(session.id, "both");
      both.setAttribute("aria-pressed", String(listeningBoth));
      show(both, watching.has(session.id));
      show(slate, session.state === "held" || session.state === "ended");
      put(slateWords, `${t(`state_${session.state}`)}${t("colon")}${reasonOf(session)}`);
      SIDES.forEach((side, at) => pictures[at].update({
        session, whep: watching.get(session.id, side),
        heard: listening.hears(session.id, side), upstream: upstream?.[side],
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
