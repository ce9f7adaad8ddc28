/**
 * A table of one part with a filter: rows as the part sorts them, a word instead of them where there are none, and the
 * buttons that fit each row.
 */
import { t } from "../../i18n/i18n.js";
import { el, keyed, put, show } from "../dom.js";
import { doKey } from "./forms.js";

/**
 * @param {{part: string, columns: Array<{name: string, cell(row): Node | string}>, buttons?(row): string[],
 *   onAct?(what, row), key?(row): string}} table the first column names the row; a button `what` has the words
 *   `admin_do_<what>`
 */
export function tableView({ part, columns, buttons = null, onAct = () => {}, key = ({ id }) => id }) {
  const rows = new Map();
  const body = el("tbody");
  const filter = el("input", { type: "search", class: "admin-filter", tLabel: "admin_filter", placeholder: t("admin_filter") });
  const count = el("p", { class: "quiet small", role: "status" });
  const heads = columns.map(({ name }) => el("th", { scope: "col", t: `admin_col_${name}` }));
  const table = el("table", { class: "fleet" }, el("caption", { class: "unseen", t: `admin_${part}` }),
    el("thead", {}, el("tr", {}, ...heads, ...(buttons ? [el("th", { scope: "col", t: "fleet_orders" })] : []))), body);
  const empty = el("p", { class: "empty", t: `admin_none_${part}`, hidden: true });
  const frame = el("div", { class: "fleet-scroll", role: "region", tabindex: "0", tLabel: `admin_${part}` }, table);
  const node = el("div", { class: "admin-table" }, el("div", { class: "line" }, filter, count), frame, empty);
  let all = [];

  function write() {
    const wanted = filter.value.trim().toLowerCase();
    keyed(body, rows, all, key, () => rowView(columns, buttons, onAct));
    let shown = 0;
    for (const { node: row } of rows.values()) {
      show(row, !wanted || row.dataset.words.includes(wanted));
      shown += row.hidden ? 0 : 1;
    }
    filter.placeholder = t("admin_filter");
    put(count, t("admin_count", { shown, all: all.length }));
    show(frame, all.length > 0);
    show(filter.parentNode, all.length > 0);
    show(empty, all.length === 0);
  }

  filter.addEventListener("input", write);
  return { node, update(found) { all = found; write(); } };
}

function rowView(columns, buttons, onAct) {
  let shown = null;
  const cells = columns.map((_, at) => (at === 0 ? el("th", { scope: "row" }) : el("td")));
  const made = new Map();
  const orders = el("div", { class: "fleet-orders" });
  const node = el("tr", {}, ...cells, ...(buttons ? [el("td", {}, orders)] : []));

  function button(what) {
    return { node: el("button", { type: "button", class: "small-button", t: doKey(what), on: { click: () => onAct(what, shown) } }), update() {} };
  }

  return {
    node,
    update(row) {
      shown = row;
      columns.forEach(({ cell }, at) => cells[at].replaceChildren(cell(row)));
      keyed(orders, made, buttons?.(row) ?? [], (what) => what, button);
      const name = cells[0].firstChild?.textContent ?? "";
      for (const [what, { node: act }] of made) act.ariaLabel = `${t(doKey(what))} ${name}`;
      node.dataset.words = cells.map((cell) => cell.textContent).join(" ").toLowerCase();
    },
  };
}

/** A name with what is written small under it. */
export function named(name, under = "") {
  const node = document.createDocumentFragment();
  node.append(el("strong", {}, name), ...(under ? [el("span", { class: "quiet small" }, under)] : []));
  return node;
}

export const chip = (level, words) => el("span", { class: "chip", data: { level } }, words);
