/**
 * The tables of sites, rooms and terminals.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { wholeDate } from "../../state/clock.js";
import { chip, named, tableView } from "./table.js";

const openChip = ({ closed_at: closed }) => (closed ? chip("wait", t("admin_closed", { at: wholeDate(closed) })) : chip("good", t("admin_open")));

/** The pack by which a site goes, by its title: the file of a pack of its own is no business of this table. */
function packOf({ pack }) {
  if (!pack) return "—";
  return named(inWords({ zh: pack.title_zh, en: pack.title_en }), pack.version ?? "");
}

/** @param {{may: boolean, province: boolean, onAct(what, row)}} reach */
export function sitesView({ may, province, onAct }) {
  return tableView({
    part: "sites", onAct,
    columns: [
      { name: "name", cell: (site) => named(site.name, `${site.id} · ${t(`admin_kind_${site.kind}`)}`) },
      { name: "state", cell: openChip },
      { name: "pack", cell: packOf },
      { name: "parent", cell: ({ parent }) => parent ?? "—" },
      { name: "counts", cell: ({ rooms, terminals, users }) => t("admin_counts", { rooms, terminals, users }) },
    ],
    buttons: (site) => (may && province ? (site.closed_at ? ["reopen"] : ["rename", "put-under", "close"]) : []),
  });
}

export function roomsView({ may, onAct }) {
  const buttons = (room) => (room.closed_at ? ["reopen"] : room.terminal ? ["rename", "replace"] : ["enrol", "rename", "close"]);
  const view = tableView({
    part: "rooms", onAct,
    columns: [
      { name: "name", cell: (room) => named(room.name, room.id) },
      { name: "site", cell: ({ site_name: name }) => name },
      { name: "state", cell: openChip },
      { name: "terminal", cell: (room) => terminalChip(room) },
    ],
    buttons: (room) => (may ? buttons(room) : []),
  });
  return { node: view.node, update: (rooms) => view.update([...rooms].sort((a, b) => lacks(a) - lacks(b))) };
}

/** Rooms in use without a terminal come first, closed ones last. */
const lacks = ({ closed_at: closed, terminal_state: state }) => (closed ? 2 : state === "active" ? 1 : 0);

function terminalChip({ closed_at: closed, terminal, terminal_state: state, code_until: until }) {
  if (until) return chip("wait", t("admin_code_waits", { until: wholeDate(until) }));
  if (terminal) return chip(state === "active" ? "good" : "bad", t(`admin_terminal_${state}`));
  return closed ? "—" : chip("bad", t("admin_no_terminal"));
}

export function terminalsView({ may, onAct }) {
  return tableView({
    part: "terminals", onAct,
    columns: [
      { name: "room", cell: (terminal) => named(terminal.room_name ?? terminal.home ?? t("fleet_duty_spare"), `${terminal.site_name} · ${terminal.id.slice(-6).toUpperCase()}`) },
      { name: "state", cell: ({ troubles }) => (troubles.length ? chip("bad", inWords(troubles[0])) : chip("good", t("fleet_well"))) },
      { name: "seen", cell: ({ last_seen: seen }) => (seen ? wholeDate(seen) : t("fleet_never")) },
      { name: "version", cell: ({ version }) => version ?? "—" },
    ],
    buttons: ({ state }) => (may ? [...(state === "conflicted" ? ["readmit"] : []), "revoke"] : []),
  });
}
