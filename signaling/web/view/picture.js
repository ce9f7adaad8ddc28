/**
 * One side of one watched session: picture, who and where, loudness, sound switch, quality.
 */
import { el, icon, mark, put, show, swapIcon } from "../dom.js";
import { t } from "../i18n.js";
import { bitrate } from "../quality.js";
import { Meter } from "../sound.js";

const SOUNDING = 0.12; // of the meter: quieter than this is a quiet room
const LOSS_WORTH_SAYING = 0.02; // of what the room itself sends

/** @param {{onSound(side), onRetry(side)}} acts */
export function pictureView(side, acts) {
  const video = el("video", { autoplay: true, playsinline: true, disablepictureinpicture: true, tabindex: "-1", data: { side } });
  video.muted = true;
  const cover = coverView(() => acts.onRetry(side));
  const where = el("span", { class: "where" });
  const bar = el("span", { class: "bar" });
  const meter = el("span", { class: "meter", role: "img", tLabel: "loudness" }, bar);
  const words = el("span");
  const sound = el("button", { type: "button", class: "sound", on: { click: () => acts.onSound(side) } }, icon("muted"), words);
  const quality = el("span", { class: "quality" });
  const uplink = el("span", { class: "uplink" });
  const node = el("figure", { class: "picture", data: { side } }, video, cover.node,
    el("figcaption", {},
      el("span", { class: "line" }, el("strong", { t: `side_${side}` }), where, sound),
      el("span", { class: "line" }, meter, quality, uplink)));
  let loudness = null;
  let listened = null;
  let shown = null;
  const recover = () => shown && cover.update(shown.session, side, shown.whep, video.readyState >= 2);
  video.addEventListener("loadeddata", recover);

  function hear(receiver) {
    if (listened === receiver) return;
    loudness?.close();
    listened = receiver;
    loudness = receiver ? new Meter(receiver) : null;
  }

  function playSound(heard) {
    if (video.muted !== heard) return;
    video.muted = !heard;
    // a browser that wants a click first pauses the picture: picture before sound
    if (heard) video.play().catch(() => { video.muted = true; video.play(); });
  }

  return {
    node,
    update({ session, whep, heard, upstream }) {
      shown = { session, whep };
      mark(video, "session", session.id); // presence.js looks for it
      const { site_name: site, room_name: room } = session.sides[side];
      put(where, `${site} · ${room}`);
      where.title = `${site} · ${room}`;
      video.ariaLabel = `${t(`side_${side}`)} ${site} ${room}`;
      const stream = whep?.stream ?? null;
      if (video.srcObject !== stream) video.srcObject = stream;
      hear(whep?.audio ?? null);
      playSound(Boolean(heard && whep));
      sound.setAttribute("aria-pressed", String(Boolean(heard)));
      swapIcon(sound, heard ? "sound" : "muted");
      put(words, t(heard ? "listening" : "listen"));
      show(sound, Boolean(whep));
      recover();
      put(quality, session.sides[side].media ? qualityWords(whep) : "");
      put(uplink, uplinkWords(upstream));
    },
    level() {
      const level = loudness?.level() ?? 0;
      bar.style.transform = `scaleX(${level.toFixed(2)})`;
      mark(meter, "sounding", level > SOUNDING);
    },
    close() {
      hear(null);
      video.srcObject = null;
    },
  };
}

function qualityWords(whep) {
  if (whep?.state !== "open" || !whep.rates) return "";
  const { kbps, loss, fps } = whep.rates;
  return t("quality", { rate: bitrate(kbps), loss: (loss * 100).toFixed(1), fps: Math.round(fps) });
}

function uplinkWords(upstream) {
  const loss = upstream?.video?.loss ?? 0;
  return loss > LOSS_WORTH_SAYING ? t("upstream_loss", { loss: (loss * 100).toFixed(0) }) : "";
}

/** What covers the picture while there is none, in words. */
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
      put(words, key === "refused" ? whep.problem.title : t(`cover_${key}`));
      put(detail, key === "refused" ? whep.problem.detail : "");
      show(again, key === "refused");
    },
  };
}

function coverKey(session, side, whep, hasFrame) {
  if (session.state === "ended") return "ended";
  if (!whep) return "not_watched";
  if (whep.state === "refused") return "refused";
  if (whep.state === "stalled") return "stalled";
  if (!session.sides[side].media) return "waiting";
  return whep.state === "open" && hasFrame ? null : "connecting";
}
