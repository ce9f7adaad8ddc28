/**
 * What check-in says of the day's drill: that this is one, or that the drill of these rooms failed, and the officer's
 * word by which the visit begins all the same.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { el, icon, put, show } from "../dom.js";

/** @param onOverride async (reason); rejects after the refusal has been shown */
export function drillView(onOverride) {
  const running = el("p", { class: "line" }, icon("warn"), el("span", { t: "drill_running" }));
  const words = el("span");
  const given = el("p", { class: "quiet small" });
  const reason = el("input", { type: "text", maxlength: "300" });
  const button = el("button", { type: "button", class: "small-button", t: "drill_override" });
  const asked = el("div", { class: "line" },
    el("label", { class: "reason small" }, el("span", { t: "drill_reason" }), reason), button);
  const failed = el("div", { class: "equipment drill-failed", role: "status" },
    el("p", { class: "line" }, icon("warn"), words), given, asked);
  reason.addEventListener("input", () => { button.disabled = !reason.value.trim(); });
  button.addEventListener("click", async () => {
    button.disabled = true;
    await onOverride(reason.value.trim()).catch(() => {}); // the caller has shown the refusal
    button.disabled = !reason.value.trim();
  });
  button.disabled = true;
  return {
    node: el("div", {}, running, failed),
    update({ drill, drill_failed: mark }, open) {
      show(running, drill === true);
      show(failed, Boolean(mark));
      put(words, mark ? t("drill_failed", { step: inWords(mark) }) : "");
      show(given, Boolean(mark?.by));
      put(given, mark?.by ? t("drill_because", { name: mark.by.name, reason: mark.reason }) : "");
      show(asked, open && Boolean(mark) && !mark.by);
      if (mark?.by) reason.value = "";
    },
  };
}
