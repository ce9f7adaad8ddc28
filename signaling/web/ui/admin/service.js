/**
 * The tables of keys, of the packs in force, and of the service's health.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { wholeDate } from "../../state/clock.js";
import { el } from "../dom.js";
import { chip, named, tableView } from "./table.js";

export function keysView({ may, onAct }) {
  const view = tableView({
    part: "keys", onAct,
    columns: [
      { name: "name", cell: (key) => named(key.name, key.id) },
      { name: "kind", cell: ({ kind }) => t(`admin_key_${kind}`) },
      { name: "since", cell: ({ created_at: at }) => wholeDate(at) },
      { name: "state", cell: ({ revoked_at: at }) => (at ? chip("done", t("admin_revoked", { at: wholeDate(at) })) : chip("good", t("admin_in_use"))) },
    ],
    buttons: ({ revoked_at: revoked }) => (may && !revoked ? ["revoke"] : []),
  });
  return { node: view.node, update: (keys) => view.update([...keys].sort((a, b) => Number(Boolean(a.revoked_at)) - Number(Boolean(b.revoked_at)))) };
}

export function packsView({ onAct }) {
  return tableView({
    part: "packs", onAct, key: ({ policy }) => policy,
    columns: [
      { name: "name", cell: (pack) => named(inWords({ zh: pack.title_zh, en: pack.title_en }), `${pack.policy} ${pack.version ?? ""}`) },
      { name: "hash", cell: ({ sha256, fault }) => (sha256 ? el("code", { class: "hash" }, sha256) : chip("bad", t("admin_pack_unread", { fault }))) },
      { name: "sites", cell: ({ sites, site_names: names }) => (names ?? sites).join(t("and_names")) },
      { name: "since", cell: ({ in_force_since: since }) => (since ? wholeDate(since) : t("admin_since_unknown")) },
      { name: "frozen", cell: frozenWords },
    ],
    buttons: (pack) => (pack.sha256 ? ["read", ...(pack.others.length ? ["compare"] : [])] : []),
  });
}

function frozenWords({ frozen_first: first, visits, others }) {
  const words = first ? t("admin_frozen", { first: wholeDate(first), visits }) : t("admin_frozen_none");
  if (!others.length) return words;
  const parts = others.map(({ version, sha256, visits: count }) => t("admin_frozen_other", { version, hash: sha256.slice(0, 12), count }));
  return named(words, parts.join(t("and_names")));
}

const LEVELS = { good: "good", attention: "wait", bad: "bad" };

export function healthView() {
  return tableView({
    part: "health", key: ({ code }) => code,
    columns: [
      { name: "part", cell: (part) => named(inWords({ zh: part.title_zh, en: part.title_en })) },
      { name: "state", cell: ({ level }) => chip(LEVELS[level], t(`admin_level_${level}`)) },
      { name: "words", cell: (part) => inWords({ zh: part.state_zh, en: part.state_en }) },
      { name: "todo", cell: (part) => inWords({ zh: part.todo_zh, en: part.todo_en }) || "—" },
    ],
  });
}
