/**
 * The top bar: site and officer, the server's time, and whether the page is connected.
 */
import { other, setLanguage, t } from "../i18n/i18n.js";
import { timeWithSeconds } from "../state/clock.js";
import { el, icon, mark, put, show, swapIcon } from "./dom.js";

export function languageButton() {
  return el("button", { type: "button", class: "language", data: { reads: "true" }, t: "other_language", tLabel: "switch_language",
    on: { click: () => setLanguage(other()) } });
}

/** A number beside the name of a link: how much waits there for the officer's word; hidden where nothing does. */
export function countChip() {
  const node = el("span", { class: "count-chip", hidden: true });
  return {
    node,
    put(count) {
      show(node, count > 0);
      put(node, String(count));
      node.ariaLabel = t("waits_for_you", { count });
    },
  };
}

/** @param {{onSignOut(), onHandOver()}} actions @param {HTMLElement} status where the officer counts */
export function headerView({ onSignOut, onHandOver }, status) {
  const site = el("span", { class: "site" });
  const user = el("a", { class: "user", href: "/account", target: "_blank", rel: "noopener", tTitle: "account" });
  const time = el("time", { class: "clock", tTitle: "server_time" });
  const words = el("span");
  const link = el("span", { class: "link", role: "status", id: "link" }, icon("link"), words);
  const fleetWords = el("span");
  const fleet = el("a", { class: "to-fleet", href: "/terminals", target: "_blank", rel: "noopener" }, fleetWords);
  const handOver = el("button", { type: "button", class: "quiet-button", t: "hand_over", on: { click: onHandOver } });
  const node = el("header", { class: "top" },
    el("a", { class: "skip", href: "#wall", t: "skip_to_wall" }),
    el("span", { class: "brand", t: "title" }), site,
    el("span", { class: "spring" }),
    fleet, status, link, time, user, languageButton(), handOver,
    el("button", { type: "button", class: "quiet-button", data: { reads: "true" }, t: "sign_out", on: { click: onSignOut } }));
  return {
    node,
    update({ me, siteName, connection, counts = false }, conflicts = 0) {
      show(handOver, counts);
      put(site, siteName);
      put(user, me.name);
      mark(link, "link", connection);
      swapIcon(link, connection === "up" ? "link" : "warn");
      put(words, t(`link_${connection}`));
      mark(fleet, "conflict", String(conflicts > 0));
      put(fleetWords, conflicts ? t("fleet_conflicts", { count: conflicts }) : t("fleet"));
    },
    tick(now) {
      put(time, now ? timeWithSeconds(now) : "");
    },
  };
}
