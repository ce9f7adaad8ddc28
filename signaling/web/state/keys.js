/**
 * Every key of the page in one table, which the keyboard obeys and the help shows.
 *
 * `act` names what the page does. `press` clicks the button that carries the key in aria-keyshortcuts, so that a key may
 * never do what its button may not; `hold` presses it as long as the key is down. Keys do nothing while a person types or
 * a dialog is open; `always` ones do nothing in dialogs over the page alone.
 */
import { readStored, store } from "./storage.js";

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
  { keys: ["C"], words: "key_finish", press: true },
  { keys: ["F9"], words: "key_stop", press: true, always: true }, // no letter, so that it is not typed by chance
  { keys: ["?", "？"], shown: "?", words: "key_help", act: "help" },
];

/** Whether letters and digits are used. They can be switched off (WCAG 2.1.4): speech input types them by chance. */
export const lettersAreOn = () => readStored("localStorage", SWITCH) !== false;
export const switchLetters = (on) => store("localStorage", SWITCH, on);
