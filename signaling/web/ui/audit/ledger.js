/**
 * The ledger of a site (台账): which site, which days, which version and form; then the file that was made, what it adds
 * up to, and whether it is the one that the server has signed.
 */
import { onLanguage, t } from "../../i18n/i18n.js";
import { wholeDate } from "../../state/clock.js";
import { el, put, show } from "../dom.js";

const FORMATS = ["xlsx", "pdf", "json", "zip"];

/**
 * @param {{site: string | null, month: boolean, whole: boolean}} may the officer's own site, whether a month can be had,
 *   and whether the version with names
 * @param {string} today the day in Shanghai
 * @param {(order: object) => Promise<object | null>} onMake returns what was made
 */
export function ledgerView(may, today, onMake) {
  const site = el("select", { name: "site", required: true });
  const of = el("select", { name: "span", on: { change: chooseSpan } }, ...(may.month ? ["day", "month"] : ["day"]).map((name) => el("option", { value: name, t: `audit_ledger_${name}` })));
  const day = el("input", { name: "day", type: "date", min: "2020-01-01", max: "2099-12-31", required: true, value: today });
  const month = el("input", { name: "month", type: "month", min: "2020-01", max: "2099-12", required: true, value: today.slice(0, 7) });
  const versions = may.whole ? ["whole", "public"] : ["public"];
  const version = el("select", { name: "version" }, ...versions.map((name) => el("option", { value: name, t: `audit_ledger_${name}` })));
  const format = el("select", { name: "format" }, ...FORMATS.map((name) => el("option", { value: name, t: `audit_ledger_${name}` })));
  const field = (name, node) => el("label", { class: "audit-field" }, el("span", { t: `audit_ledger_by_${name}` }), node);
  const [siteField, dayField, monthField] = [field("site", site), field("day", day), field("month", month)];
  const make = el("button", { type: "submit", class: "primary", t: "audit_ledger_make" });
  const form = el("form", { class: "ledger-form" },
    el("div", { class: "audit-fields" }, siteField, field("span", of), dayField, monthField, field("version", version), field("format", format)),
    el("div", { class: "line end" }, el("span", { class: "quiet small", t: "audit_ledger_journaled" }), el("span", { class: "spring" }), make));
  const bar = el("progress", { tLabel: "audit_ledger_making" });
  const busy = el("p", { class: "line", hidden: true }, bar, el("span", { t: "audit_ledger_making" }));
  const made = el("div", { class: "ledger-made", role: "status" });
  const node = el("section", { class: "audit-list" }, el("h1", { t: "audit_part_ledger" }), el("p", { t: "audit_ledger_hint" }), form, busy, made,
    el("h2", { t: "audit_ledger_check" }), el("p", { t: "audit_ledger_check_how" }), el("code", { class: "ledger-command" }, "huijian verify --ledger "));
  let shown = null;
  chooseSpan();
  offer([]);

  function chooseSpan() {
    const whole = of.value === "month";
    show(monthField, whole);
    show(dayField, !whole);
    [month.disabled, day.disabled] = [!whole, whole]; // a hidden field that is required would stop the form
  }

  function offer(sites) {
    const listed = sites.length ? sites : may.site ? [{ id: may.site, name: may.site }] : [];
    site.replaceChildren(...listed.map(({ id, name }) => el("option", { value: id }, name ?? id)));
    show(siteField, listed.length !== 1);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const days = of.value === "month" ? monthOf(month.value, today) : { from: day.value, to: day.value };
    [make.disabled, shown] = [true, null];
    show(busy, true);
    write();
    shown = await onMake({ site: site.value, ...days, public: version.value === "public", format: format.value });
    make.disabled = false;
    show(busy, false);
    write();
  });

  function write() {
    made.replaceChildren(...(shown ? partsOf(shown) : []));
  }

  return { node, offer, close: onLanguage(write) };
}

/** The days of a month, the last of them no later than today: a ledger has no row of what is to come. */
function monthOf(value, today) {
  const [year, number] = value.split("-").map(Number);
  const last = `${value}-${String(new Date(Date.UTC(year, number, 0)).getUTCDate()).padStart(2, "0")}`;
  const first = `${value}-01`;
  return { from: first, to: last > today && first <= today ? today : last };
}

function partsOf({ name, address, signature, statement, genuine }) {
  const links = [el("a", { href: address, download: name }, t("audit_ledger_file", { name }))];
  if (signature) links.push(el("a", { href: signature, download: `${name}.sig.json` }, t("audit_ledger_signature", { name: `${name}.sig.json` })));
  const words = el("p", { class: genuine === false ? "export-trouble" : "" });
  put(words, t(`audit_ledger_${genuine === null ? "inside" : genuine ? "genuine" : "changed"}`));
  const said = statement && el("p", { class: "quiet small" }, t("audit_ledger_said", {
    site: statement.site_name, days: statement.from === statement.to ? statement.from : `${statement.from} – ${statement.to}`,
    at: wholeDate(statement.made_at), count: statement.totals.visits, head: statement.chain_head || "–", witnessed: statement.witnessed.length }));
  return [el("ul", {}, ...links.map((link) => el("li", {}, link))), words, ...(said ? [said] : [])];
}
