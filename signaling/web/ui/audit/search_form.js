/**
 * The search of the auditors' page. It asks the server on Enter or by its button, never while a person types: each
 * search reads names and is journaled.
 */
import { t } from "../../i18n/i18n.js";
import { codeWords } from "../../i18n/audit_words.js";
import { citationOf } from "../../i18n/session_words.js";
import { FIELDS, QUICK, quickDays } from "../../state/audit_query.js";
import { el, show } from "../dom.js";

const CHOICES = {
  state: ["scheduled", "running", "archived", "ended", "cancelled", "no_show", "refused"],
  ending: ["time_limit", "slot_end", "completed", "ended_by_supervisor", "no_show", "no_show_prison", "no_show_visitor", "refused", "technical", "cancelled"],
  intervention: ["any", "warning", "mute", "hold", "end", "talkback", "note"],
  alert: ["any", "quorum_at_risk", "room_lost", "recorder", "clock", "eligibility", "drill", "black", "frozen", "silent", "heads"],
  quality: ["good", "fair", "poor"],
  order: ["newest", "oldest"],
};
const PEOPLE = ["inmate", "visitor", "supervisor", "watched_by"];
const MORE = ["room", "slot", "ending", "article", "alert", "quality"];
const MINUTES = { min_minutes: "min_seconds", max_minutes: "max_seconds" };
const WEEKDAYS = [1, 2, 3, 4, 5, 6, 7];

/** @param {(query: object) => void} onSearch @param {() => string} today the day in Shanghai */
export function searchForm(onSearch, today) {
  const fields = new Map();
  const field = (name, node) => {
    fields.set(name, node);
    return el("label", { class: "audit-field", data: { field: name } }, el("span", { t: `audit_by_${name}` }), node);
  };
  const text = (name) => field(name, el("input", { name, type: "search", maxlength: "64", autocomplete: "off", spellcheck: "false" }));
  const date = (name) => field(name, el("input", { name, type: "date", min: "2020-01-01", max: "2099-12-31" }));
  const minutes = (name) => field(name, el("input", { name, type: "number", min: "0", max: "600", inputmode: "numeric" }));
  const choice = (name) => field(name, el("select", { name },
    ...(name === "order" ? [] : [el("option", { value: "", t: "audit_any" })]),
    ...CHOICES[name].map((code) => el("option", { value: code, t: `audit_${name}_${code}` }))));
  const site = el("select", { name: "site" }, el("option", { value: "", t: "audit_any" }));
  const rooms = el("datalist", { id: "audit-rooms" });
  const articles = el("datalist", { id: "audit-articles" });
  const seen = new Set(); // articles of all visits that were found
  const weekday = el("select", { tLabel: "audit_last_weekday", class: "quick-weekday", on: { change: () => weekday.value && quick(weekday.value) } },
    el("option", { value: "", t: "audit_last_weekday" }), ...WEEKDAYS.map((day) => el("option", { value: `weekday-${day}`, t: `audit_weekday_${day}` })));
  const quicks = QUICK.map((name) => el("button", { type: "button", class: "small-button", t: `audit_quick_${name}`, on: { click: () => quick(name) } }));
  const more = el("details", { class: "audit-more" }, el("summary", { t: "audit_more" }),
    el("div", { class: "audit-fields" }, ...MORE.map((name) => (CHOICES[name] ? choice(name) : text(name))), minutes("min_minutes"), minutes("max_minutes"), choice("order")));
  const form = el("form", { class: "audit-search", role: "search", tLabel: "audit_search" },
    el("div", { class: "line audit-quick", role: "group", tLabel: "audit_quick" }, ...quicks, weekday),
    el("div", { class: "audit-fields" }, date("since"), date("until"), ...PEOPLE.map(text), field("site", site), choice("state"), choice("intervention")),
    more, rooms, articles,
    el("div", { class: "line end" }, el("span", { class: "quiet small", t: "audit_journaled" }), el("span", { class: "spring" }),
      el("button", { type: "button", class: "small-button", t: "audit_clear", on: { click: clear } }),
      el("button", { type: "submit", class: "primary", t: "audit_search_now" })));
  fields.get("room").setAttribute("list", "audit-rooms");
  fields.get("article").setAttribute("list", "audit-articles");

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    onSearch(read());
  });

  function read() {
    const query = {};
    for (const name of FIELDS) {
      const value = fields.get(name)?.value.trim();
      if (value && !(name === "order" && value === "newest")) query[name] = value;
    }
    for (const [shown, name] of Object.entries(MINUTES)) {
      const value = fields.get(shown).value;
      if (value !== "") query[name] = String(Math.round(Number(value) * 60));
    }
    return query;
  }

  function write(query) {
    for (const [name, node] of fields) {
      const value = name in MINUTES ? minutesOf(query[MINUTES[name]]) : query[name] ?? (name === "order" ? "newest" : "");
      if (node.tagName === "SELECT" && value && ![...node.options].some((option) => option.value === value)) node.append(el("option", { value }, value));
      node.value = value;
    }
    weekday.value = "";
    if ([...MORE, "order", "min_seconds", "max_seconds"].some((name) => query[name])) more.open = true;
  }

  function quick(name) {
    write({ ...read(), ...quickDays(name, today()) });
    weekday.value = name.startsWith("weekday") ? name : "";
    onSearch(read());
  }

  function clear() {
    write({});
    fields.get("since").focus();
  }

  return {
    node: form,
    write,
    focus: () => fields.get("inmate").focus(),
    /** Offers the sites and rooms that the auditor may see. */
    offer(places) {
      const sites = new Map(places.map(({ site: id, site_name: name }) => [id, name]));
      const chosen = site.value;
      site.replaceChildren(el("option", { value: "", t: "audit_any" }), ...[...sites].map(([id, name]) => el("option", { value: id }, name ?? id)));
      site.value = chosen;
      rooms.replaceChildren(...places.filter(({ room }) => room).map(({ room, room_name: name }) => el("option", { value: room }, name ?? room)));
      show(site.parentNode, sites.size !== 1);
    },
    /** Offers the articles of visits that were found, each with how officers say it. */
    offerArticles(visits) {
      for (const { ending, interventions } of visits) for (const { article } of [ending, ...(interventions ?? [])].filter(Boolean)) if (article) seen.add(article);
      articles.replaceChildren(...[...seen].sort().map((code) => el("option", { value: code }, citationOf(code) || code)));
    },
  };
}

const minutesOf = (seconds) => (seconds ? String(Number(seconds) / 60) : "");

/** A search in words, for the heading of its results. */
export function queryWords(query) {
  const parts = [];
  if (query.since || query.until) parts.push(query.since === query.until ? query.since : `${query.since ?? "…"} – ${query.until ?? "…"}`);
  for (const name of FIELDS) {
    if (["since", "until", "order", "min_seconds", "max_seconds"].includes(name) || !query[name]) continue;
    parts.push(`${t(`audit_by_${name}`)}${t("colon")}${CHOICES[name] ? codeWords(name, query[name]) : (name === "article" && citationOf(query[name])) || query[name]}`);
  }
  if (query.min_seconds) parts.push(`≥ ${t("span_minutes", { minutes: minutesOf(query.min_seconds) })}`);
  if (query.max_seconds) parts.push(`≤ ${t("span_minutes", { minutes: minutesOf(query.max_seconds) })}`);
  return parts.join(t("and_then"));
}
