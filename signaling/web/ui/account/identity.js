/**
 * The section of the provincial identity service, where the installation has one: the link, and its end.
 */
import { inWords } from "../../i18n/i18n.js";
import { el, put, rename, show } from "../dom.js";

/** @param {{onLink(), onUnlink()}} actions */
export function identityView({ onLink, onUnlink }) {
  const title = el("h2", { id: "identity-title" });
  const state = el("p", { class: "quiet" });
  const link = el("button", { type: "button", t: "identity_link", on: { click: onLink } });
  const unlink = el("button", { type: "button", t: "identity_unlink", on: { click: onUnlink } });
  const node = el("section", { "aria-labelledby": "identity-title", hidden: true }, title, state, el("div", { class: "orders" }, link, unlink));
  return {
    node,
    update({ name, name_en: english, linked }) {
      show(node, name !== null);
      put(title, name === null ? "" : inWords({ zh: name, en: english }));
      rename(state, linked ? "identity_linked" : "identity_none");
      show(link, !linked);
      show(unlink, linked);
    },
  };
}
