/**
 * The bar under the picture: play, place, speed, pictures, sound and the whole screen.
 */
import { t } from "../../../i18n/i18n.js";
import { RATES } from "../../../media/film_player.js";
import { filmTime, filmTimeFine } from "../../../state/film_time.js";
import { el, mark, put, rename, show, swapIcon } from "../../dom.js";
import { VOICES } from "./films.js";

const MODES = ["view", "sides"];

/** @param actions {onToggle(), onSeek(second), onFrames(count), onRate(rate), onMode(mode), onHear(voice, on), onFull(), onHelp()} */
export function controlsView(actions) {
  const playWords = el("span", { class: "unseen" });
  const play = el("button", { type: "button", class: "play", on: { click: actions.onToggle } }, playWords);
  const slider = el("input", { type: "range", class: "film-place", min: "0", step: "0.1", value: "0", tLabel: "audit_place",
    on: { input: () => actions.onSeek(Number(slider.value)) } });
  const time = el("output", { class: "film-time" });
  const waits = el("span", { class: "chip film-waits", data: { level: "wait" }, role: "status", t: "audit_waits", hidden: true });
  const step = (words, name, act) => el("button", { type: "button", class: "step", tLabel: name, tTitle: name, on: { click: act } }, words);
  const rates = el("select", { tLabel: "audit_speed", class: "film-rate", on: { change: () => actions.onRate(Number(rates.value)) } },
    ...RATES.map((rate) => el("option", { value: String(rate) }, `${rate}×`)));
  const modes = new Map(MODES.map((mode) => [mode, el("input", { type: "radio", name: "film-mode", value: mode,
    on: { change: () => actions.onMode(mode) } })]));
  const voices = new Map(VOICES.map((voice) => [voice, el("input", { type: "checkbox", name: `hear-${voice}`,
    on: { change: () => actions.onHear(voice, voices.get(voice).checked) } })]));
  const node = el("div", { class: "film-controls", role: "group", tLabel: "audit_controls" },
    el("div", { class: "line" }, play,
      step("−10", "audit_back_10", () => actions.onSeek(null, -10)), step("+10", "audit_ahead_10", () => actions.onSeek(null, 10)),
      step("◂|", "audit_frame_back", () => actions.onFrames(-1)), step("|▸", "audit_frame_ahead", () => actions.onFrames(1)),
      slider, time),
    el("div", { class: "line film-choices" },
      el("label", { class: "line" }, el("span", { t: "audit_speed" }), rates),
      el("fieldset", {}, el("legend", { t: "audit_pictures" }),
        ...MODES.map((mode) => el("label", {}, modes.get(mode), el("span", { t: `audit_mode_${mode}` })))),
      el("fieldset", {}, el("legend", { t: "audit_sound" }),
        ...VOICES.map((voice) => el("label", {}, voices.get(voice), el("span", { t: `audit_voice_${voice}` })))),
      el("span", { class: "spring" }), waits,
      el("button", { type: "button", class: "small-button", t: "audit_help", on: { click: actions.onHelp } }),
      el("button", { type: "button", class: "small-button", t: "audit_full", on: { click: actions.onFull } })));
  return {
    node,
    focus: () => play.focus(),
    /** @param {{playing, waiting, time, length, rate}} film @param {{mode, heard, copy, officers}} choice */
    update(film, choice) {
      swapIcon(play, film.playing ? "held" : "play");
      rename(playWords, film.playing ? "audit_pause" : "audit_play");
      mark(play, "playing", String(film.playing));
      slider.max = String(film.length || 1);
      if (document.activeElement !== slider || film.playing) slider.value = String(film.time);
      slider.ariaValueText = t("audit_place_words", { at: filmTime(film.time), length: filmTime(film.length) });
      put(time, `${film.playing ? filmTime(film.time) : filmTimeFine(film.time)} / ${filmTime(film.length)}`);
      show(waits, film.waiting);
      if (rates.value !== String(film.rate)) rates.value = String(film.rate);
      for (const [mode, input] of modes) input.checked = mode === choice.mode;
      modes.get("view").disabled = !choice.copy;
      for (const [voice, input] of voices) input.checked = choice.heard.has(voice);
      voices.get("supervisors").disabled = !choice.officers;
    },
  };
}
