/**
 * Speaking in (插话): a button for each room and one for both, and the light that nobody can overlook.
 *
 * Holding a button speaks while it is held; a short press begins, and another one or Esc ends.
 */
import { el, icon, mark, put, show, swapIcon } from "../dom.js";
import { inWords, t } from "../i18n.js";
import { SIDES } from "../sessions.js";
import { roomsOf } from "./facts.js";

const HELD = 400; // ms: a press that lasts longer ends with its release
const CHOICES = [["prison"], ["visitor"], SIDES];
const nameOf = (sides) => (sides.length === 2 ? "both" : sides[0]);
const same = (a, b) => a.length === b.length && a.every((side) => b.includes(side));

/** @param {{onSpeak(sides, article), onHush()}} acts */
export function speakView(acts) {
  const codes = el("select", { id: "speak-code" });
  const buttons = CHOICES.map((sides) => speakButton(sides, acts, () => codes.value));
  const by = el("span");
  const stop = el("button", { type: "button", class: "small-button", t: "hush", on: { click: acts.onHush } });
  const other = el("p", { class: "spoken line small" }, icon("sound"), by, stop);
  const hint = el("p", { class: "speak-hint quiet small", t: "speak_hint" });
  const node = el("section", { class: "speak", "aria-labelledby": "speak-title" },
    el("div", { class: "line" }, el("h3", { id: "speak-title", t: "speak" }),
      el("label", { class: "unseen", for: "speak-code", t: "speak_code" }), codes),
    other, el("div", { class: "line" }, ...buttons.map((button) => button.node)), hint);
  return {
    node,
    update({ session, voice, me, grounds }) {
      const going = session.state === "live" || session.state === "held";
      show(node, going);
      if (!going) return;
      fill(codes, grounds);
      const by_other = session.speech?.by && session.speech.by.id !== me ? session.speech : null;
      show(other, Boolean(by_other));
      if (by_other) put(by, t("somebody_speaks", { name: by_other.by.name, room: t(`speak_to_${nameOf(by_other.sides)}`) }));
      const busy = voice.busy && voice.session === session.id;
      buttons.forEach((button) => button.update({
        pressed: busy && same(button.sides, voice.sides), state: voice.state,
        disabled: Boolean(by_other) || !codes.value || session.recording.state !== "writing",
      }));
    },
  };
}

function speakButton(sides, { onSpeak, onHush }, article) {
  const words = el("span", { t: `speak_to_${nameOf(sides)}` });
  const key = sides.length === 2 ? { "aria-keyshortcuts": "T" } : {};
  const node = el("button", { type: "button", class: "talk", tTitle: "speak_hint", ...key }, icon("microphone"), words);
  let pressed = false;
  let since = 0;
  const begin = () => {
    if (pressed) return onHush();
    since = performance.now();
    onSpeak(sides, article());
  };
  const release = () => {
    if (since && performance.now() - since > HELD) onHush();
    since = 0;
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || node.disabled) return;
    node.setPointerCapture(event.pointerId); // its release counts wherever the pointer is by then
    begin();
  });
  node.addEventListener("pointerup", release);
  node.addEventListener("pointercancel", release);
  node.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat && !node.disabled) begin();
  });
  node.addEventListener("keyup", (event) => (event.key === " " || event.key === "Enter") && release());
  // assistive technology presses without pointer or key
  node.addEventListener("click", (event) => event.detail === 0 && event.pointerType === "" && begin());
  return {
    node, sides,
    update({ pressed: now, state, disabled }) {
      pressed = now;
      node.disabled = disabled && !now;
      node.setAttribute("aria-pressed", String(now));
      mark(node, "voice", now ? state : "off");
    },
  };
}

function fill(select, grounds) {
  const usable = grounds.filter((ground) => ground.may_warn);
  usable.sort((a, b) => Number(b.code.startsWith("SAY-")) - Number(a.code.startsWith("SAY-")));
  const options = usable.map((ground) => [ground.code, `${ground.code} ${inWords(ground)}`]);
  const known = [...select.options].map((option) => [option.value, option.textContent]);
  if (JSON.stringify(known) === JSON.stringify(options)) return;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, words]) => el("option", { value }, words)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

/** The light while this page's microphone is on its way or open. */
export function onAirView(onHush) {
  const words = el("strong");
  const where = el("span");
  const stop = el("button", { type: "button", t: "hush", on: { click: onHush } });
  const node = el("div", { class: "on-air", role: "status", "aria-live": "assertive" }, icon("microphone"), words, where,
    el("kbd", {}, "Esc"), stop);
  const escape = (event) => {
    if (event.key !== "Escape" || node.hidden) return;
    event.preventDefault();
    event.stopPropagation();
    onHush();
  };
  addEventListener("keydown", escape, { capture: true });
  return {
    node,
    update(voice, session) {
      show(node, voice.busy);
      mark(document.documentElement, "onAir", voice.state === "speaking");
      if (!voice.busy) return;
      mark(node, "voice", voice.state);
      swapIcon(node, "microphone");
      put(words, t(voice.state === "speaking" ? "speaking" : "microphone_opens"));
      const rooms = session ? ` · ${roomsOf(session).join(" ⇄ ")}` : "";
      put(where, `${t(`speak_to_${nameOf(voice.sides)}`)}${rooms}`);
    },
    close() {
      removeEventListener("keydown", escape, { capture: true });
      mark(document.documentElement, "onAir", false);
    },
  };
}
