/**
 * One side of a watched session: its picture, and at the lower edge of it site and room, loudness, sound switch and what
 * is not good in its quality.
 */
import { t } from "../../i18n/i18n.js";
import { roomWords, shortSideKey, sideKey } from "../../i18n/session_words.js";
import { Meter } from "../../media/sound.js";
import { roomOf } from "../../state/sessions.js";
import { el, icon, mark, put, rename, show, swapIcon } from "../dom.js";
import { pictureMarks } from "../session_badges.js";
import { qualityMark } from "./quality.js";

const SOUNDING = 0.12; // of the meter: a lower level is a quiet room

/** @param {{onSound(side), onRetry(side), onZoom(side)}} actions */
export function pictureView(side, actions) {
  const video = el("video", { autoplay: true, playsinline: true, disablepictureinpicture: true, tabindex: "-1", data: { side } });
  video.muted = true;
  const cover = coverView(() => actions.onRetry(side));
  const where = el("span", { class: "where" });
  const bar = el("span", { class: "bar" });
  const meter = el("span", { class: "meter", role: "img", tLabel: "loudness" }, bar);
  const words = el("span");
  const sound = el("button", { type: "button", class: "sound", on: { click: () => actions.onSound(side) } }, icon("muted"), words);
  const quality = qualityMark();
  const frozen = el("p", { class: "frozen edge" }, icon("frozen"), el("span", { t: "frozen_sign" }));
  const zoomWords = el("span", { class: "unseen" });
  const enlarge = el("button", { type: "button", class: "dark enlarge edge", on: { click: () => actions.onZoom(side) } }, icon("enlarge"), zoomWords);
  const marks = pictureMarks(side);
  marks.node.classList.add("edge");
  const screen = el("div", { class: "screen", on: { dblclick: (event) => event.target.closest("button") || actions.onZoom(side) } },
    video, frozen, marks.node, cover.node, enlarge);
  const full = el("span", { class: "full", t: `side_${side}` });
  const brief = el("span", { class: "brief", t: `side_short_${side}` });
  const node = el("figure", { class: "picture", data: { side } }, screen,
    el("figcaption", { class: "edge" }, el("strong", {}, full, brief), meter, where, quality.node, sound));
  let loudness = null;
  let metered = null;
  let shown = null;
  const recover = () => shown && cover.update(shown.session, side, shown.whep, video.readyState >= 2);
  video.addEventListener("loadeddata", recover);

  function measure(receiver) {
    if (metered === receiver) return;
    loudness?.close();
    metered = receiver;
    loudness = receiver ? new Meter(receiver) : null;
  }

  function playSound(heard) {
    if (video.muted !== heard) return;
    video.muted = !heard;
    // a browser that waits for a click pauses the picture: a muted picture is better than none
    if (heard) video.play().catch(() => { video.muted = true; video.play(); });
  }

  return {
    node,
    update({ session, whep, heard, sent, zoomed, mayZoom }) {
      shown = { session, whep };
      mark(video, "session", session.id); // dispatch/page_report.js reads it
      rename(full, sideKey(session, side));
      rename(brief, shortSideKey(session, side));
      const { site_name: site, room_name: room } = session.sides[side];
      put(where, `${site} · ${room}`);
      where.title = `${site} · ${room}`;
      video.ariaLabel = `${t(sideKey(session, side))} ${site} ${room}`;
      marks.update(session);
      const stream = whep?.stream ?? null;
      if (video.srcObject !== stream) video.srcObject = stream;
      measure(whep?.audio ?? null);
      playSound(Boolean(heard && whep));
      sound.setAttribute("aria-pressed", String(Boolean(heard)));
      swapIcon(sound, heard ? "sound" : "muted");
      put(words, t(heard ? "listening" : "listen"));
      show(sound, Boolean(whep));
      show(enlarge, mayZoom);
      swapIcon(enlarge, zoomed ? "shrink" : "enlarge");
      put(zoomWords, `${t(zoomed ? "zoom_out" : "zoom_in")} ${t(sideKey(session, side))}`);
      enlarge.title = zoomWords.textContent;
      recover();
      const { media } = session.sides[side];
      const now = whep?.state === "open" ? whep.rates : null;
      quality.update(now, media, sent);
      show(frozen, Boolean(media && now?.still && cover.node.hidden));
    },
    level() {
      const level = loudness?.level() ?? 0;
      bar.style.transform = `scaleX(${level.toFixed(2)})`;
      mark(meter, "sounding", level > SOUNDING);
    },
    close() {
      measure(null);
      video.srcObject = null;
    },
  };
}

/** The cover over the picture while there is none, with the reason. */
function coverView(onRetry) {
  const words = el("p");
  const detail = el("p", { class: "small" });
  const again = el("button", { type: "button", t: "retry", on: { click: onRetry } });
  const node = el("div", { class: "cover" }, words, detail, again);
  return {
    node,
    update(session, side, whep, hasFrame) {
      const key = coverKey(session, side, whep, hasFrame);
      show(node, key !== null);
      mark(node, "cover", key ?? "none");
      if (key === null) return;
      put(words, key === "refused" ? whep.problem.title : key === "lost" ? roomWords(session, side) : t(`cover_${key}`));
      put(detail, key === "refused" ? whep.problem.detail : "");
      show(again, key === "refused");
    },
  };
}

function coverKey(session, side, whep, hasFrame) {
  if (session.state === "ended") return "ended";
  if (!whep) return "not_watched";
  if (whep.state === "refused") return "refused";
  if (roomOf(session, side) === "lost") return "lost";
  if (whep.state === "stalled") return "stalled";
  if (!session.sides[side].media) return "waiting";
  return whep.state === "open" && hasFrame ? null : "connecting";
}
