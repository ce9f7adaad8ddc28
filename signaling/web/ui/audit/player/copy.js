/**
 * How far the view copy is: the sides play meanwhile. A copy that failed, or was never ordered, can be ordered.
 */
import { copyOf, makeCopy } from "../../../api/audit.js";
import { asProblem } from "../../../api/rest.js";
import { t } from "../../../i18n/i18n.js";
import { el, mark, put, show } from "../../dom.js";
import { complain } from "../../toast.js";
import { polling } from "../polling.js";

const EVERY = 2000; // ms between looks while it is being made
const GOING = new Set(["queued", "making"]);

/** @param onReady called once the copy can be played */
export function copyView(session, onReady) {
  const words = el("span");
  const bar = el("progress", { max: "1", value: "0", tLabel: "audit_copy" });
  const order = el("button", { type: "button", class: "small-button", t: "audit_copy_make", on: { click: make } });
  const node = el("div", { class: "film-copy line", role: "status", hidden: true }, words, bar, order);
  const looks = polling(look, { every: EVERY });
  let closed = false;

  /** Looks how far it is; of a recording without a copy there is nothing to say. */
  async function look() {
    try {
      update(await copyOf(session));
    } catch (error) {
      if (error.status !== 404) throw error;
    }
  }

  function update({ state, progress }) {
    if (closed) return;
    show(node, state !== "ready");
    mark(node, "state", state);
    put(words, t(`audit_copy_${state}`, { percent: Math.round(progress * 100) }));
    show(bar, GOING.has(state));
    bar.value = progress;
    show(order, !GOING.has(state));
    if (state === "ready") onReady();
    else if (GOING.has(state)) looks.again();
  }

  async function make() {
    order.disabled = true;
    try {
      await makeCopy(session);
      await look();
    } catch (error) {
      complain(asProblem(error));
    }
    order.disabled = false;
  }

  return {
    node,
    look: () => looks.now(),
    close() {
      closed = true;
      looks.close();
    },
  };
}
