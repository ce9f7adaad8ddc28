/**
 * The frame of the administration page: top bar, its sections as links with the number of changes that wait, a place for
 * what is shown once, and the section that is open.
 */
import { t } from "../../i18n/i18n.js";
import { el, put, show } from "../dom.js";
import { countChip, languageButton } from "../header.js";

export const SECTIONS = ["changes", "sites", "rooms", "terminals", "users", "keys", "packs", "health"];

/**
 * @param {string[]} sections those that the officer may open
 * @param {{onAdd(section), onSignOut()}} actions
 */
export function frameView(me, sections, { onAdd, onSignOut }) {
  const waiting = countChip();
  const links = new Map(sections.map((section) => [section, el("a", { href: `#${section}` }, el("span", { t: `admin_${section}` }), ...(section === "changes" ? [waiting.node] : []))]));
  const once = el("div");
  const title = el("h1", { tabindex: "-1" });
  const hint = el("p", { class: "quiet" });
  const add = el("button", { type: "button", class: "primary" });
  const others = el("span", { class: "line" });
  const place = el("div");
  const busy = el("p", { class: "quiet", role: "status" });
  const main = el("main", { class: "admin", id: "admin", tabindex: "-1" }, once,
    el("div", { class: "line" }, title, el("span", { class: "spring" }), others, add), hint, busy, place);
  const node = el("div", {},
    el("header", { class: "top" },
      el("a", { class: "skip", href: "#admin", t: "admin_skip", on: { click: skip } }),
      el("span", { class: "brand", t: "admin_title" }), el("span", { class: "spring" }),
      el("a", { class: "to-fleet", href: "/terminals", t: "fleet" }),
      el("a", { class: "user", href: "/account", tTitle: "account" }, me.name), languageButton(),
      el("button", { type: "button", class: "quiet-button", t: "sign_out", on: { click: onSignOut } })),
    el("div", { class: "admin-columns" }, el("nav", { class: "admin-sections", tLabel: "admin_sections" }, ...links.values()), main));
  add.addEventListener("click", () => onAdd(add.dataset.what));

  function skip(event) {
    event.preventDefault(); // the fragment of the address is the open section
    main.focus();
  }

  return {
    node, once, main,
    focus: () => title.focus(),
    busy: (words) => put(busy, words),
    count: waiting.put,
    /** Opens a section; `adds`: what can be added there, the first as the main button. */
    open(section, view, adds) {
      for (const [name, link] of links) {
        if (name === section) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
      put(title, t(`admin_${section}`));
      put(hint, t(`admin_hint_of_${section}`));
      show(add, adds.length > 0);
      if (adds.length) Object.assign(add.dataset, { what: adds[0], t: `admin_add_${adds[0]}` });
      if (adds.length) put(add, t(`admin_add_${adds[0]}`));
      others.replaceChildren(...adds.slice(1).map((what) => el("button", { type: "button", t: `admin_add_${what}`, on: { click: () => onAdd(what) } })));
      if (place.firstChild !== view) place.replaceChildren(view);
    },
  };
}
