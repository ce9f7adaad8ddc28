/**
 * What could not be read, said in the place where it should stand, with a button that tries it again.
 */
import { onLanguage, t } from "../../i18n/i18n.js";
import { el, icon, put, show } from "../dom.js";

/** A place for failures, which lasts as long as the page. It is empty at first. */
export function failureView() {
  const title = el("strong");
  const detail = el("span", { class: "small" });
  const retry = el("button", { type: "button", class: "primary", t: "audit_try_again", on: { click: () => again() } });
  const node = el("div", { class: "empty audit-failure", role: "alert", hidden: true }, icon("warn"), title, detail, retry);
  let problem = null;
  let again = () => {};

  function write() {
    put(title, problem?.title ?? "");
    put(detail, problem?.detail ?? "");
    retry.textContent = t("audit_try_again");
  }
  onLanguage(write);

  return {
    node,
    /** @param {{title: string, detail: string}} failed @param {() => void} onRetry */
    tell(failed, onRetry) {
      [problem, again] = [failed, onRetry];
      write();
      show(node, true);
      retry.focus();
    },
    clear: () => show(node, false),
  };
}
