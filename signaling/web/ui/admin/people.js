/**
 * The tables of accounts and of the changes that wait for a second officer's word.
 */
import { serverNow } from "../../api/rest.js";
import { t } from "../../i18n/i18n.js";
import { wholeDate } from "../../state/clock.js";
import { chip, named, tableView } from "./table.js";

const LEVELS = { active: "good", invited: "wait", waiting: "wait", no_link: "bad", disabled: "done" };
const ORDER = ["no_link", "waiting", "invited", "active", "disabled"]; // what needs a hand first

const DEEDS = {
  active: ["reset-factors", "new-password", "disable"],
  disabled: ["enable"],
  invited: ["invitation", "withdraw-invitation", "disable"],
  no_link: ["invitation", "disable"],
  waiting: ["invitation"],
};

/** @param {{may: boolean, me: object, onAct(what, row)}} reach */
export function usersView({ may, me, onAct }) {
  const view = tableView({
    part: "users", onAct,
    columns: [
      { name: "name", cell: (user) => named(user.name, user.id) },
      { name: "role", cell: ({ role }) => t(`admin_role_${role}`) },
      { name: "site", cell: ({ site_name: name }) => name },
      { name: "state", cell: (user) => chip(LEVELS[user.state], stateWords(user)) },
      { name: "factors", cell: factorWords },
      { name: "since", cell: ({ since }) => (since ? wholeDate(since) : "—") },
    ],
    buttons: ({ id, state }) => (may && id !== me.id ? DEEDS[state] : []),
  });
  return { node: view.node, update: (users) => view.update([...users].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state))) };
}

const isOver = (moment) => Boolean(moment) && serverNow() >= new Date(moment);

function stateWords({ state, invitation }) {
  const until = invitation ? wholeDate(invitation.expires_at) : "";
  return t(`admin_state_${state}`, { until });
}

function factorWords({ second_factors: kinds, needs_factor: needed, state }) {
  if (kinds.length) return [...new Set(kinds)].map((kind) => t(`factor_${kind}`)).join(t("and_names"));
  return needed && state === "active" ? chip("wait", t("admin_no_factor")) : "—";
}

/** What waits for a word: who may give it sees its buttons. */
export function changesView({ me, onAct }) {
  return tableView({
    part: "changes", onAct,
    columns: [
      { name: "name", cell: (change) => named(change.name, change.user) },
      { name: "change", cell: ({ kind, role, site }) => `${t(`admin_change_${kind}`)} · ${t(`admin_role_${role}`)} · ${site ?? t("admin_province")}` },
      { name: "proposed", cell: ({ proposed_by: by, at }) => `${by.replace(/^user:/, "")} · ${wholeDate(at)}` },
      { name: "waits_for", cell: (change) => t(change.mine ? "admin_waits_for_you" : "admin_waits_for_other") },
    ],
    buttons: (change) => [
      ...(change.mine ? ["confirm"] : []),
      "reject",
      ...(me.role === "admin" && isOver(change.force_from) ? ["force"] : []),
    ],
  });
}
