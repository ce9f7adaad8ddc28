/**
 * Sheets: dialogs that lie over the desk at the right and never over a picture, so that the officer goes on seeing and
 * counting while they decide. A page without a desk shows them over the page.
 *
 * A sheet goes when the officer turns to another visit, when the visit that it is about ends, or when what it asks is not
 * so any more: an order can never fall upon a visit that is no longer in front of the officer, nor upon another state of
 * it than the one that was asked about.
 */
import { t } from "../i18n/i18n.js";
import { visitName } from "../i18n/session_words.js";
import { warn } from "./toast.js";

const DESK = ".details";
let current = null; // {dialog, about, holds, isOver, beside, before}: `beside`: the visit on the desk, `before` had the focus

/** Whether a sheet is open. */
export const sheetIsOpen = () => current !== null;

/**
 * Shows a dialog as a sheet.
 * @param {HTMLDialogElement} dialog
 * @param {{session: object | null, holds: (session) => boolean}} about the visit that it is about, where it is about one, and
 *   whether what it asks is still so, of that visit as it is now
 */
export function openSheet(dialog, { session = null, holds = () => true } = {}) {
  const before = current?.before ?? document.activeElement; // one sheet may take the place of another
  closeSheet();
  document.documentElement.dataset.sheet = "open"; // a folded desk unfolds
  const desk = document.querySelector(DESK);
  if (!desk?.checkVisibility()) return openOverPage(dialog);
  setInert(desk, true);
  dialog.classList.add("sheet");
  desk.append(dialog);
  const keys = (event) => obey(event, dialog);
  addEventListener("keydown", keys, { capture: true });
  current = { dialog, about: session?.id ?? null, holds, isOver: session?.state === "ended", before };
  dialog.addEventListener("close", () => {
    removeEventListener("keydown", keys, { capture: true });
    dialog.remove();
    if (current?.dialog === dialog) leave(desk);
  });
  dialog.show();
}

/** Gives the desk back after the last sheet. */
function leave(desk) {
  const { before } = current;
  current = null;
  setInert(desk, false);
  delete document.documentElement.dataset.sheet;
  if (before?.isConnected) before.focus({ preventScroll: true });
}

function setInert(desk, inert) {
  for (const part of desk.children) if (!part.matches("dialog")) part.inert = inert;
}

function openOverPage(dialog) {
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    delete document.documentElement.dataset.sheet;
  });
  dialog.showModal();
}

/** Cancels the open sheet, if there is one. */
export function closeSheet() {
  current?.dialog.close();
}

/**
 * Cancels a sheet that may not stay, and says why where the officer has not turned to another visit.
 * @param {{chosen: string | null, ofAny: boolean, sessionOf(id)}} page `chosen`: id of the visit on the desk; `ofAny`: a sheet
 *   may be about another visit, as those of an inbox are
 */
export function keepSheet({ chosen, ofAny, sessionOf }) {
  if (!current) return;
  const session = sessionOf(current.about);
  if (current.beside === undefined) current.beside = ofAny ? chosen : current.about;
  if (current.about && current.beside !== chosen) return closeSheet();
  const ended = current.about && !current.isOver && session?.state === "ended";
  if (!ended && current.holds(session)) return;
  closeSheet();
  warn(t(ended ? "sheet_over" : "sheet_changed"), session ? visitName(session) : "");
}

/** Esc cancels, and Tab stays in the sheet; both leave a dialog alone that lies over the page. */
function obey(event, dialog) {
  if (document.querySelector("dialog:modal")) return;
  if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    dialog.close();
  }
  if (event.key === "Tab") keepFocus(event, dialog);
}

const REACHED = "button:enabled, input:enabled, select:enabled, textarea:enabled, [tabindex='0']";

function keepFocus(event, dialog) {
  const stops = [...dialog.querySelectorAll(REACHED)].filter((stop) => stop.checkVisibility());
  const [first, last] = event.shiftKey ? [stops.at(-1), stops[0]] : [stops[0], stops.at(-1)];
  const inside = dialog.contains(document.activeElement);
  if (!first || (inside && document.activeElement !== last)) return;
  event.preventDefault();
  first.focus();
}
