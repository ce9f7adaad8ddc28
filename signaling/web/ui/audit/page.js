/**
 * The frame of the auditors' page: top bar, the parts, and the place where the chosen part stands.
 */
import { partFragment } from "../../state/audit_query.js";
import { timeWithSeconds } from "../../state/clock.js";
import { el, put } from "../dom.js";
import { countChip, languageButton } from "../header.js";

/** The parts that each role has, the one that opens by itself first. */
export const PARTS = {
  auditor: ["search", "relisten", "holds", "exports", "ledger", "purge"], procurator: ["search"],
  supervisor: ["ledger"], approver: ["ledger"], admin: ["ledger"],
};

/** @param {{onSignOut()}} actions */
export function pageView(me, { onSignOut }) {
  const time = el("time", { class: "clock", tTitle: "server_time" });
  const counts = { exports: countChip(), changes: countChip() };
  const links = new Map(PARTS[me.role].map((part) => [part,
    el("a", { href: `#${partFragment(part)}` }, el("span", { t: `audit_part_${part}` }), ...(part in counts ? [counts[part].node] : []))]));
  const place = el("main", { id: "audit", tabindex: "-1" });
  const node = el("div", { class: "audit" },
    el("header", { class: "top" },
      el("a", { class: "skip", href: "#audit", t: "audit_skip", on: { click: skip } }),
      el("span", { class: "brand", t: "audit_title" }),
      el("nav", { class: "audit-parts", tLabel: "audit_parts" }, ...links.values()),
      el("span", { class: "spring" }),
      ...(me.role === "auditor" ? [el("a", { class: "to-fleet", href: "/admin" }, el("span", { t: "admin_title" }), " ", counts.changes.node)] : []), time, el("a", { class: "user", href: "/account", tTitle: "audit_account" }, me.name), languageButton(),
      el("button", { type: "button", class: "quiet-button", t: "sign_out", on: { click: onSignOut } })),
    place);

  function skip(event) {
    event.preventDefault(); // the fragment of the address is the page's place
    place.focus();
  }

  return {
    node,
    show(part, view) {
      for (const [name, link] of links) {
        if (name === part || (part === "visit" && name === "search")) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
      if (place.firstChild !== view) place.replaceChildren(view);
    },
    /** Gives the focus to the place where what had it is gone. */
    keepFocus: () => document.activeElement === document.body && place.focus(),
    /** Shows on its links what waits for the officer's word. @param {{exports: number, changes: number}} waiting */
    count: (waiting) => Object.entries(counts).forEach(([name, chip]) => chip.put(waiting[name])),
    tick: (now) => put(time, now ? timeWithSeconds(now) : ""),
  };
}
