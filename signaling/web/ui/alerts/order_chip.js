/**
 * Orders on their way, in the strip of alerts: the one that needs the officer most, with its visit. The desk, over which
 * all of them lie, may be folded or covered by the drawer; the strip is always in sight.
 */
import { t } from "../../i18n/i18n.js";
import { visitName } from "../../i18n/session_words.js";
import { el, icon, mark, put, show, swapIcon } from "../dom.js";

const STATES = ["lost", "unanswered", "sending"]; // what needs the officer most comes first
const NEEDS = { lost: 330, unanswered: 330, sending: 0 }; // px that it takes from the alerts; one is sent in no time

/** @param onOpen (session id) */
export function orderChip(onOpen) {
  let session = "";
  const what = el("strong");
  const words = el("span", { class: "words" });
  const more = el("span", { class: "more" });
  const node = el("button", { type: "button", class: "strip-order", data: { reads: "true" }, on: { click: () => onOpen(session) } }, icon("clock"), words, what, more);
  node.hidden = true;
  return {
    node,
    /** Width that the strip leaves to it, in pixels. */
    get needs() { return node.hidden ? 0 : NEEDS[node.dataset.state]; },
    /** @param {Array} orders of dispatch/delivery.js @param sessionOf (session id) */
    update(orders, sessionOf) {
      const [worst] = [...orders].sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state));
      show(node, Boolean(worst));
      if (!worst) return;
      session = worst.session;
      const visit = sessionOf(session);
      mark(node, "state", worst.state);
      swapIcon(node, worst.state === "sending" ? "clock" : "warn");
      put(words, t(`order_short_${worst.state}`));
      put(what, [t(`order_${worst.name}`), visit ? visitName(visit) : ""].filter(Boolean).join(" · "));
      put(more, orders.length > 1 ? `+${orders.length - 1}` : "");
      node.title = [what.textContent, t(`order_is_${worst.state}`)].join("\n");
    },
  };
}
