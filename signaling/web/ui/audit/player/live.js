/**
 * A visit under way as a procurator watches it: both sides with their sound, and the viewer's name over the pictures. It
 * changes nothing, and the viewer is never counted; the officers of both sides see the name and the reason.
 */
import { t } from "../../../i18n/i18n.js";
import { Whep } from "../../../media/whep.js";
import { el, mark, put, rename } from "../../dom.js";
import { viewerMark } from "./films.js";

const SIDES = ["prison", "visitor"];

/** @param {() => string} now the time in words, which stands over the pictures */
export function liveView(session, me, now) {
  const overlay = viewerMark(me, now);
  const sides = SIDES.map((side) => sideView(session, side));
  const sound = el("button", { type: "button", class: "live-sound", t: "audit_live_sound_on", "aria-pressed": "false", on: { click: turnSound } });
  const node = el("section", { class: "film live", tLabel: "audit_live" },
    el("div", { class: "film-screen" }, el("div", { class: "film-pictures", data: { pictures: "2" } }, ...sides.map((side) => side.node)), overlay.node),
    el("div", { class: "film-controls" }, el("div", { class: "line" }, sound, el("span", { class: "spring" }), el("span", { class: "small", t: "audit_live_hint" }))));

  function turnSound() {
    const on = sound.getAttribute("aria-pressed") !== "true";
    sound.setAttribute("aria-pressed", String(on));
    rename(sound, on ? "audit_live_sound_off" : "audit_live_sound_on");
    for (const side of sides) side.sound(on);
  }

  return {
    node,
    start: () => sides.forEach((side) => side.start()),
    tick: overlay.tick,
    close: () => sides.forEach((side) => side.close()),
  };
}

function sideView(session, side) {
  // Sound begins by a click: browsers play none before.
  const video = el("video", { playsinline: true, autoplay: true, disablepictureinpicture: true, disableremoteplayback: true, tLabel: `audit_film_${side}`, data: { film: side } });
  video.muted = true;
  video.addEventListener("contextmenu", (event) => event.preventDefault());
  const words = el("p", { class: "live-state", role: "status" });
  const node = el("div", { class: "live-side" }, video, words);
  let whep = null;

  function write() {
    mark(node, "state", whep.state);
    put(words, whep.state === "open" ? "" : whep.problem ? `${whep.problem.title} ${whep.problem.detail}` : t("audit_live_connecting"));
  }

  return {
    node,
    start() {
      whep = new Whep(session, side, () => whep && write());
      video.srcObject = whep.stream;
      write();
    },
    sound(on) {
      video.muted = !on;
    },
    close() {
      whep?.close();
      video.srcObject = null;
    },
  };
}
