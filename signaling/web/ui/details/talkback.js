/**
 * Talkback (插话): a button for each room and one for both, and the ground under which the officer speaks.
 *
 * A button that is held down speaks as long as it is held; a short press begins, and another one or Esc ends.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { citation, talkbackKey } from "../../i18n/session_words.js";
import { SIDES } from "../../state/sessions.js";
import { el, icon, mark, put, rename, show } from "../dom.js";

const HELD = 400; // ms: a longer press ends with its release
const CHOICES = [["prison"], ["visitor"], SIDES];
const same = (a, b) => a.length === b.length && a.every((side) => b.includes(side));

/** @param {{onTalkback(sides, article), onStopTalkback()}} actions */
export function talkbackView(actions) {
  const codes = el("select", { id: "talkback-ground" });
  const buttons = CHOICES.map((sides) => talkbackButton(sides, actions, () => codes.value));
  const by = el("span");
  const stop = el("button", { type: "button", class: "small-button", t: "stop_talkback", on: { click: actions.onStopTalkback } });
  const speaking = el("p", { class: "spoken line small" }, icon("sound"), by, stop);
  const hint = el("p", { class: "talkback-hint quiet small", t: "talkback_hint" });
  const node = el("section", { class: "talkback", "aria-labelledby": "talkback-title" },
    el("div", { class: "line" }, el("h3", { id: "talkback-title", t: "talkback" }),
      el("label", { class: "unseen", for: "talkback-ground", t: "talkback_ground" }), codes),
    speaking, el("div", { class: "line" }, ...buttons.map((button) => button.node)), hint);
  return {
    node,
    update({ session, talkback, me, grounds }) {
      const going = session.state === "live" || session.state === "held";
      codes.disabled = !going;
      fill(codes, grounds);
      const colleague = session.speech?.by && session.speech.by.id !== me ? session.speech : null;
      show(speaking, Boolean(colleague));
      if (colleague) put(by, t("officer_speaks", { name: colleague.by.name, room: t(talkbackKey(session, colleague.sides)) }));
      const busy = talkback.busy && talkback.session === session.id;
      buttons.forEach((button) => button.update({
        session, pressed: busy && same(button.sides, talkback.sides), state: talkback.state,
        disabled: !going || Boolean(colleague) || !codes.value || session.recording.state !== "writing",
      }));
    },
  };
}

function talkbackButton(sides, { onTalkback, onStopTalkback }, article) {
  const words = el("span", { t: talkbackKey({}, sides) });
  const key = sides.length === 2 ? { "aria-keyshortcuts": "T" } : {};
  const node = el("button", { type: "button", class: "talk", tTitle: "talkback_hint", ...key }, icon("microphone"), words);
  let pressed = false;
  let since = 0;
  const begin = () => {
    if (pressed) return onStopTalkback();
    since = performance.now();
    onTalkback(sides, article());
  };
  const release = () => {
    if (since && performance.now() - since > HELD) onStopTalkback();
    since = 0;
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || node.disabled) return;
    node.setPointerCapture(event.pointerId); // its release counts wherever the pointer is then
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
    update({ session, pressed: now, state, disabled }) {
      rename(words, talkbackKey(session, sides));
      pressed = now;
      node.disabled = disabled && !now;
      node.setAttribute("aria-pressed", String(now));
      mark(node, "talkback", now ? state : "off");
    },
  };
}

function fill(select, grounds) {
  const usable = grounds.filter((ground) => ground.may_warn);
  usable.sort((a, b) => Number(b.code.startsWith("SAY-")) - Number(a.code.startsWith("SAY-")));
  const options = usable.map((ground) => [ground.code, `${inWords(ground)} ${citation(ground)}`]);
  const present = [...select.options].map((option) => [option.value, option.textContent]);
  if (JSON.stringify(present) === JSON.stringify(options)) return;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, words]) => el("option", { value }, words)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}
