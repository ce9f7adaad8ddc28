/**
 * Every key of the page, in one table: it decides what a key does, and the help shows it.
 *
 * `act` names what the page does with it. `press` clicks the button that carries the key in aria-keyshortcuts, so that
 * a key may never do what its button may not; `hold` presses it as long as the key is down. Keys rest while somebody
 * types or a dialog is open; `always` ones rest in dialogs alone.
 */
import { keep, recall } from "./kept.js";

const SWITCH = "huijian.keys";
const DIGITS = [..."123456789"];

export const KEYS = [
  { keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], shown: "← → ↑ ↓", words: "key_move", act: "move" },
  { keys: DIGITS, shown: "1 – 9", words: "key_number", act: "number" },
  { keys: ["Enter"], words: "key_zoom", act: "zoom" },
  { keys: ["P"], words: "key_zoom_prison", act: "zoomPrison" },
  { keys: ["V"], words: "key_zoom_visitor", act: "zoomVisitor" },
  { keys: ["Escape"], shown: "Esc", words: "key_back", act: "back" },
  { keys: ["S"], words: "key_sound", act: "sound" },
  { keys: ["D"], words: "key_duty", act: "duty" },
  { keys: ["L"], words: "key_layout", act: "layout" },
  { keys: ["A"], words: "key_alert", press: true },
  { keys: ["W"], words: "key_warn", press: true },
  { keys: ["M"], words: "key_mute_prison", press: true },
  { keys: ["Shift+M"], words: "key_mute_visitor", press: true },
  { keys: ["N"], words: "key_note", act: "note" },
  { keys: ["T"], words: "key_talk", hold: true },
  { keys: ["H"], words: "key_hold", press: true },
  { keys: ["R"], words: "key_resume", press: true },
  { keys: ["E"], words: "key_end", press: true },
  { keys: ["F9"], words: "key_stop", press: true, always: true }, // no letter: it must not be struck in passing
  { keys: ["?", "？"], shown: "?", words: "key_help", act: "help" },
];

const BY_KEY = new Map(KEYS.flatMap((row) => row.keys.map((key) => [key, row])));
const TYPING = "textarea, select, input:not([type=radio]):not([type=checkbox])";

/** Letters and digits may be switched off (WCAG 2.1.4): speech input strikes them in passing. */
export const lettersAreOn = () => recall("localStorage", SWITCH) !== false;
export const switchLetters = (on) => keep("localStorage", SWITCH, on);

/** Obeys the keys until the returned function is called. @param acts functions by name; each gets the event's key */
export function obeyKeys(acts) {
  const down = (event) => obey(event, acts);
  const up = (event) => {
    const row = BY_KEY.get(nameOf(event));
    if (row?.hold) passOn(row, event);
  };
  addEventListener("keydown", down);
  addEventListener("keyup", up);
  return () => {
    removeEventListener("keydown", down);
    removeEventListener("keyup", up);
  };
}

function obey(event, acts) {
  const row = BY_KEY.get(nameOf(event));
  if (!row || event.defaultPrevented || rests(event, row)) return;
  if (event.repeat && row.act !== "move") return;
  if (row.act) {
    if (acts[row.act](event.key) === false) return; // nothing there for this key: the browser may have it
  } else if (row.hold) passOn(row, event);
  else buttonOf(row)?.click();
  event.preventDefault();
}

/** The key as aria-keyshortcuts writes it; letters in capitals, whatever Caps Lock says. */
function nameOf(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return "";
  const letter = /^[a-z]$/i.test(event.key);
  return letter ? (event.shiftKey ? "Shift+" : "") + event.key.toUpperCase() : event.key;
}

function rests(event, row) {
  if (document.querySelector("dialog[open]")) return true;
  if (row.always) return false;
  const { key, target } = event;
  if (target.closest?.(TYPING)) return true;
  if (key.startsWith("Arrow")) return Boolean(target.closest?.("input")); // they walk through the group
  if (key === "Enter") return Boolean(target.closest?.("button, a, input")); // it presses what has the focus
  return key.length === 1 && row.act !== "help" && !lettersAreOn();
}

function buttonOf({ keys: [key] }) {
  const button = document.querySelector(`[aria-keyshortcuts="${key}"]`);
  return button && !button.disabled && button.checkVisibility() ? button : null;
}

/** The button hears the key as its own, with press and release. */
function passOn(row, { type, repeat }) {
  buttonOf(row)?.dispatchEvent(new KeyboardEvent(type, { key: " ", repeat }));
}
