/**
 * Sheets: dialogs that lie over the desk at the right and never over a picture, so that the officer goes on seeing and
 * counting while they decide. A page without a desk shows them over the page.
 *
 * A sheet about one visit names it, and goes when the officer turns to another visit or the visit ends: an order can
 * never fall upon a visit that is no longer in front of the officer.
 */
const DESK = ".details";
let current = null; // {dialog, session, before}: `before` had the focus

/** Whether a sheet is open. */
export const sheetIsOpen = () => current !== null;

/** Shows a dialog as a sheet. @param {HTMLDialogElement} dialog @param {string} session the visit that it is about, or "" */
export function openSheet(dialog, session = "") {
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
  current = { dialog, session, before };
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

/** Cancels the sheet of another visit than the chosen one, and that of a visit which is over. */
export function keepSheetOf(session) {
  if (!current?.session) return;
  if (current.session !== session?.id || session.state === "ended") closeSheet();
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
