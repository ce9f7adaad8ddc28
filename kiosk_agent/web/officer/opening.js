/**
 * The ways to the officer's screen: Ctrl+Alt+O, or a long press into the corner at the upper left. Both only ask for the
 * PIN. They are no secret, but nothing that happens by accident.
 */
const HELD = 3000; // ms
const CORNER = 0.08; // of the window's height, to both sides
const MOVED = 40; // px that a finger may move

/** @param ask is called when the screen is asked for */
export function watchOpening(ask) {
  let timer = 0;
  let from = null;
  const forget = () => {
    clearTimeout(timer);
    from = null;
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.altKey && event.code === "KeyO" && !event.repeat) ask();
  }, { capture: true });
  addEventListener("pointerdown", (event) => {
    forget();
    if (Math.max(event.clientX, event.clientY) > CORNER * innerHeight) return;
    from = [event.clientX, event.clientY];
    timer = setTimeout(ask, HELD);
  }, { capture: true });
  addEventListener("pointermove", (event) => {
    if (from && Math.hypot(event.clientX - from[0], event.clientY - from[1]) > MOVED) forget();
  }, { capture: true });
  for (const type of ["pointerup", "pointercancel"]) addEventListener(type, forget, { capture: true });
}
