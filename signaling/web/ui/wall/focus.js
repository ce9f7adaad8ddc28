/**
 * The keyboard's place on the page. An update may hide or disable what has the focus: the browser then leaves the focus
 * nowhere, and the next Tab would begin at the top of the page.
 */

/**
 * @param {HTMLElement} page
 * @param {() => HTMLElement | null} substitute what gets the focus in place of what has gone
 * @returns {() => void} to be called after the page was drawn
 */
export function focusKeeper(page, substitute) {
  let last = null;
  page.addEventListener("focusin", ({ target }) => { last = target; });
  page.addEventListener("pointerdown", () => { last = null; }); // a click on nothing leaves the focus nowhere on purpose
  return () => {
    if (!last || document.activeElement !== document.body || !document.hasFocus()) return;
    last.focus({ preventScroll: true });
    if (document.activeElement === document.body) substitute()?.focus({ preventScroll: true });
  };
}
