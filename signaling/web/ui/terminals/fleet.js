/**
 * The fleet as a table: a row for each terminal, those in trouble first, as the server has sorted them.
 */
import { t } from "../../i18n/i18n.js";
import { timeOfDay } from "../../state/clock.js";
import { el, icon, keyed, put, show } from "../dom.js";
import { languageButton } from "../header.js";
import { terminalRow } from "./row.js";

const MANAGES = new Set(["admin", "auditor"]);
const COLUMNS = ["place", "state", "seen", "test", "line", "temperature", "version", "next", "orders"];

/** @param {{onOrder(kind, terminal), onSignOut()}} actions */
export function fleetView(me, { onOrder, onSignOut }) {
  const rows = new Map();
  const body = el("tbody");
  const summary = el("p", { class: "quiet", id: "fleet-summary" });
  const words = el("span");
  const conflict = el("div", { class: "fleet-alert", role: "alert", hidden: true }, icon("warn"), words);
  const stale = el("div", { class: "fleet-alert stale", role: "status", hidden: true }, icon("warn"), el("span", { t: "stale" }));
  const table = el("table", { class: "fleet", "aria-describedby": "fleet-summary" },
    el("caption", { class: "unseen", t: "fleet" }),
    el("thead", {}, el("tr", {}, ...COLUMNS.map((name) => el("th", { scope: "col", t: `fleet_${name}` })))), body);
  const empty = el("p", { class: "empty", t: "fleet_none", hidden: true });
  const node = el("div", {},
    el("header", { class: "top" },
      el("a", { class: "skip", href: "#fleet", t: "fleet_skip" }),
      el("a", { class: "brand", href: "/monitor", t: "title" }), el("span", { class: "spring" }),
      ...(MANAGES.has(me.role) ? [el("a", { class: "to-fleet", href: "/admin", t: "admin_title" })] : []),
      el("a", { class: "user", href: "/account", tTitle: "account" }, me.name), languageButton(),
      el("button", { type: "button", class: "quiet-button", t: "sign_out", on: { click: onSignOut } })),
    el("main", { class: "fleet-page", id: "fleet", tabindex: "-1" },
      el("h1", { t: "fleet" }), summary, conflict, stale,
      el("div", { class: "fleet-scroll", role: "region", tabindex: "0", tLabel: "fleet" }, table), empty));
  return {
    node,
    down: (lost) => show(stale, lost),
    update({ server_time: time, terminals }, lines) {
      keyed(body, rows, terminals, ({ id }) => id, () => terminalRow(me, onOrder));
      for (const terminal of terminals) rows.get(terminal.id).line(lines.get(terminal.room)?.tests ?? null);
      const connected = terminals.filter((terminal) => terminal.connected).length;
      put(summary, t("fleet_summary", { time: timeOfDay(time), connected, count: terminals.length }));
      show(empty, terminals.length === 0);
      const disputed = terminals.filter(({ state }) => state === "conflicted");
      show(conflict, disputed.length > 0);
      put(words, disputed.length ? t("fleet_conflict_long", { terminals: disputed.map(nameOf).join(t("and_names")) }) : "");
    },
  };
}

const nameOf = ({ room_name: name, room, home, id }) => name || room || home || id;
