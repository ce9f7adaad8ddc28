/**
 * No way out of the page. The browser hands an app window every key before it acts on it; what the page has no use for
 * ends here. The browser's own policies (kiosk_agent/room/policies.py) stand behind this.
 *
 * A reload or a close that gets through all the same shows no question: the agent starts the browser again, and the
 * state machine goes on where it was.
 */
const USED = new Set(["Tab", "Enter", " ", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "f", "F"]);

/** Whether the page has a use for this key. */
export function isUsed(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return false;
  return USED.has(event.key);
}

function refuse(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** @param leaving is called when the page is left all the same */
export function lock(leaving) {
  for (const type of ["keydown", "keyup", "keypress"]) {
    addEventListener(type, (event) => isUsed(event) || refuse(event), { capture: true });
  }
  const nowhere = ["contextmenu", "dragstart", "dragenter", "dragover", "drop", "auxclick", "selectstart", "copy", "cut",
    "paste", "gesturestart"];
  for (const type of nowhere) addEventListener(type, refuse, { capture: true });
  addEventListener("wheel", (event) => event.ctrlKey && refuse(event), { capture: true, passive: false });
  addEventListener("touchmove", (event) => event.touches.length > 1 && refuse(event), { capture: true, passive: false });
  addEventListener("mousedown", (event) => event.button > 0 && refuse(event), { capture: true });
  history.pushState(null, "");
  addEventListener("popstate", () => history.pushState(null, ""));
  addEventListener("beforeunload", leaving);
  window.open = () => null;
  window.print = () => {};
}
