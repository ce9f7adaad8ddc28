/**
 * What is asked before each act of administration: its fields, what stands in them, and whether it is dangerous.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { askForm, choice, doKey, id, password, reason, text } from "./forms.js";

const KINDS = ["prison", "rehab", "bureau", "office", "city", "province"];
const ROLES = ["supervisor", "clerk", "approver", "auditor", "procurator", "admin"];
const LAWS = ["yunnan", "guangdong"];
const nameOf = ({ name, room_name: room, home, user, id: own }) => name ?? room ?? home ?? user ?? own;

const words = (prefix, values) => values.map((value) => [value, t(`${prefix}_${value}`)]);
const sitesOf = (sites) => sites.filter(({ closed_at: closed }) => !closed).map(({ id: site, name }) => [site, `${name} (${site})`]);

/** The packs that a site may go by: those that come with the program, and those that are in force at some site. */
function packsOf(packs) {
  const titles = new Map(LAWS.map((law) => [law, t(`admin_law_${law}`)]));
  for (const pack of packs ?? []) titles.set(pack.policy, `${inWords({ zh: pack.title_zh, en: pack.title_en })} ${pack.version ?? ""}`.trim());
  const alike = (title) => [...titles.values()].filter((other) => other === title).length > 1;
  return [...titles].map(([policy, title]) => [policy, alike(title) ? `${title} (${stemOf(policy)})` : title]);
}

/** The name of a pack's file without its folder, which says nothing to administrators. */
const stemOf = (policy) => policy.split("/").pop().replace(/\.toml$/, "");

/** Asks for what is new; `state` holds the lists that are read, `me` the officer. */
export function askNew(what, state, me) {
  const sites = sitesOf(state.sites);
  const over = [["", t("admin_none_over")], ...sites];
  const forms = {
    site: () => [id(), text("name"), choice("kind", words("admin_kind", KINDS)), choice("policy", packsOf(state.packs)), choice("parent", over)],
    room: () => [choice("site", sites), id(), text("name")],
    invitation: () => [id("user"), text("name"), choice("role", words("admin_role", ROLES)), choice("site", me.site ? sites : [["", t("admin_province")], ...sites], sites[0]?.[0]), password],
    spare: () => [choice("site", sites), password],
    key: () => [text("name"), choice("kind", words("admin_key", ["booking", "monitoring"])), password],
  };
  return askForm({ title: t(`admin_add_${what}`), warning: t(`admin_warn_add_${what}`), fields: forms[what]() });
}

const WITH_PASSWORD = new Set(["confirm", "enable", "reset-factors", "new-password", "invitation"]);
const DANGER = new Set(["close", "revoke", "disable", "force"]);

/** Asks before an act on `row` of a section. */
export function askAct(section, what, row, state) {
  const where = `${nameOf(row)} · ${row.user ?? row.id}`;
  const fields = fieldsOf(what, row, state);
  const visit = row.in_visit ? t("admin_in_visit") : "";
  const warning = t(`admin_warn_${what.replaceAll("-", "_")}_${section}`, { name: nameOf(row), visit });
  return askForm({ title: t(doKey(what)), where, warning, fields, danger: DANGER.has(what), values: { name: row.name } });
}

function fieldsOf(what, row, state) {
  if (what === "rename") return [text("name")];
  if (what === "put-under") return [choice("parent", [["", t("admin_none_over")], ...sitesOf(state.sites).filter(([site]) => site !== row.id)], row.parent ?? "")];
  if (what === "enrol" || what === "replace") return [password];
  if (what === "reject" || what === "force") return [reason, password];
  return WITH_PASSWORD.has(what) ? [password] : [reason];
}

