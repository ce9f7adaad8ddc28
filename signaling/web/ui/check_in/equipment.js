/**
 * The last test of a room's equipment, part by part, and the officer's own verdict.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { timeOfDay } from "../../state/clock.js";
import { el, icon, keyed, mark, put, show, swapIcon } from "../dom.js";
import { lineHistory } from "./line_history.js";

const ICONS = { passed: "check", failed: "cross", not_checked: "held" };

/**
 * @param onVerdict async (passed, reason); rejects after the refusal has been shown
 * @param onRetest async (); likewise
 */
export function equipmentView(onVerdict, onRetest) {
  const rows = new Map();
  const verdict = el("span", { class: "done" });
  const when = el("span", { class: "quiet small" });
  const parts = el("ul", { class: "parts" });
  const given = el("p", { class: "quiet small" });
  const words = el("input", { type: "text", maxlength: "300" });
  const reason = el("label", { class: "reason small" }, el("span", { t: "equipment_reason" }), words);
  const good = verdictButton("equipment_tick", () => onVerdict(true, words.value.trim()));
  const again = verdictButton("equipment_again", onRetest);
  const history = lineHistory();
  const bad = verdictButton("equipment_fail", () => onVerdict(false, ""));
  words.addEventListener("input", () => { good.disabled = !words.value.trim(); });
  return {
    node: el("div", { class: "equipment" },
      el("div", { class: "line" }, el("span", { t: "equipment" }), verdict, el("span", { class: "spring" }), again, bad, good),
      when, given, parts, history.node, reason),
    update({ room, equipment, self_test: fresh }, open) {
      history.update(room, equipment?.test ?? "");
      show(again, open);
      mark(verdict, "level", fresh ? "good" : "bad");
      put(verdict, t(fresh ? "equipment_passed" : !equipment ? "equipment_untested" : equipment.passed ? "equipment_stale" : "equipment_failed"));
      show(when, Boolean(equipment));
      put(when, equipment ? t(`tested_by_${equipment.by}`, { time: timeOfDay(equipment.at) }) : "");
      show(given, Boolean(equipment?.reason));
      put(given, equipment?.reason ? t("equipment_because", { reason: equipment.reason }) : "");
      const checks = Object.fromEntries((equipment?.checks ?? []).map((check) => [check.code, check]));
      const items = Object.entries(equipment?.parts ?? {}).map(([part, found]) => ({ part, found, check: checks[part] }));
      keyed(parts, rows, items, ({ part }) => part, ({ part }) => partRow(part));
      show(parts, items.length > 0);
      show(good, open && !fresh);
      show(reason, open && !fresh);
      if (fresh) words.value = "";
      good.disabled = !words.value.trim();
      show(bad, open && (fresh || !equipment));
    },
  };
}

function partRow(part) {
  const found = el("span");
  const measured = el("span", { class: "quiet" });
  const advice = el("span", { class: "advice" });
  const node = el("li", {}, icon("check"), el("span", { t: `part_${part}` }), found, measured, advice);
  return {
    node,
    update(item) {
      mark(node, "found", item.found);
      swapIcon(node, ICONS[item.found] ?? "warn");
      put(found, t(`part_${item.found}`));
      put(measured, item.check?.measured ?? "");
      put(advice, item.check ? inWords(item.check) : "");
    },
  };
}

function verdictButton(words, act) {
  const button = el("button", { type: "button", class: "small-button", t: words });
  button.addEventListener("click", async () => {
    button.disabled = true;
    await act().catch(() => {}); // the caller has shown the refusal; the button can be pressed again
    button.disabled = false;
  });
  return button;
}
