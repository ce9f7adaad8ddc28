/**
 * Obeys the keys of a table like that of state/keys.js: calls the page's own action, or presses the button that carries
 * the key.
 */
import { KEYS, lettersAreOn } from "../state/keys.js";

const byKey = (table) => new Map(table.flatMap((row) => row.keys.map((key) => [key, row])));
const TYPING = "textarea, select, input:not([type=radio]):not([type=checkbox])";

/** Obeys the keys until the returned function is called. @param actions functions by name; each gets the key's name */
export function obeyKeys(actions, table = KEYS) {
  const rows = byKey(table);
  const down = (event) => obey(event, actions, rows);
  const up = (event) => {
    const row = rows.get(nameOf(event));
    if (row?.hold) forward(row, event);
  };
  addEventListener("keydown", down);
  addEventListener("keyup", up);
  return () => {
    removeEventListener("keydown", down);
    removeEventListener("keyup", up);
  };
}

function obey(event, actions, rows) {
  const row = rows.get(nameOf(event));
  if (!row || event.defaultPrevented || ignored(event, row)) return;
  if (event.repeat && row.act !== "move" && !row.repeats) return;
  if (row.act) {
    if (actions[row.act](nameOf(event)) === false) return; // nothing to do for this key: the browser may have it
  } else if (row.hold) forward(row, event);
  else buttonOf(row)?.click();
  event.preventDefault();
}

/** The key as aria-keyshortcuts writes it, with letters in capitals whatever Caps Lock does. */
function nameOf(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return "";
  const letter = /^[a-z]$/i.test(event.key);
  return letter ? (event.shiftKey ? "Shift+" : "") + event.key.toUpperCase() : event.key;
}

function ignored(event, row) {
  const dialog = document.querySelector("dialog[open]");
  // the stop takes the place of another act's sheet, and of no dialog over the page
  if (dialog && (!row.always || !dialog.matches(".sheet") || dialog.dataset.act === "end")) return true;
  if (row.always) return false;
  const { key, target } = event;
  if (target.closest?.(TYPING)) return true;
  if (key.startsWith("Arrow")) return Boolean(target.closest?.('input, [data-arrows="own"]')); // they walk through the group
  if (key === "Enter" || key === " ") return Boolean(target.closest?.("button, a, input, summary")); // it presses what has the focus
  return key.length === 1 && row.act !== "help" && !lettersAreOn();
}

function buttonOf({ keys: [key] }) {
  const button = document.querySelector(`[aria-keyshortcuts="${key}"]`);
  return button && !button.disabled && button.checkVisibility() ? button : null;
}

/** Sends the key to its button as a press and a release of the space bar. */
function forward(row, { type, repeat }) {
  buttonOf(row)?.dispatchEvent(new KeyboardEvent(type, { key: " ", repeat }));
}
