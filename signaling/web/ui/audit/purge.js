/**
 * The purge of what is due, by two officers: one looks and permits, and gives the code to another one, who orders it.
 * What was ordered goes on in the server's background.
 */
import { inWords, onLanguage, t } from "../../i18n/i18n.js";
import { dayOf, wholeDate } from "../../state/clock.js";
import { el, put, show } from "../dom.js";

const COLUMNS = ["site", "recordings", "size", "oldest", "newest"];

/** @param {{onPermit(count): Promise<object | null>, onApply(code): Promise<boolean>}} actions */
export function purgeView({ onPermit, onApply }) {
  const asOf = el("p", { class: "quiet" });
  const rows = el("tbody");
  const none = el("p", { class: "empty", t: "audit_purge_none", hidden: true });
  const stays = el("ul", { class: "purge-stays" });
  const permit = el("button", { type: "button", class: "primary", t: "audit_purge_permit", on: { click: askPermit } });
  const given = el("div", { class: "purge-code", role: "status", hidden: true });
  const code = el("input", { name: "code", type: "text", required: true, maxlength: "19", autocomplete: "off", spellcheck: "false",
    pattern: "[A-Za-z0-9]{4}(-[A-Za-z0-9]{4}){3}", placeholder: "XXXX-XXXX-XXXX-XXXX", tLabel: "audit_purge_code" });
  const apply = el("button", { type: "submit", class: "danger", t: "audit_purge_apply" });
  const form = el("form", { class: "line purge-form" }, code, apply);
  const words = el("p", { role: "status" });
  const bar = el("progress", { max: "1", value: "0", tLabel: "audit_purge_progress", hidden: true });
  const left = el("ul", { class: "purge-stays" });
  const node = el("section", { class: "audit-list" }, el("h1", { t: "audit_part_purge" }), el("p", { t: "audit_purge_hint" }),
    el("h2", { t: "audit_purge_look" }), asOf,
    el("table", {}, el("thead", {}, el("tr", {}, ...COLUMNS.map((name) => el("th", { scope: "col", t: `audit_purge_${name}` })))), rows), none, stays,
    el("h2", { t: "audit_purge_step_permit" }), el("div", { class: "line" }, permit), given,
    el("h2", { t: "audit_purge_step_apply" }), form, words, bar, left);
  let plan = null;
  let run = null;

  async function askPermit() {
    permit.disabled = true;
    const made = await onPermit(plan.recordings);
    permit.disabled = false;
    if (!made) return;
    given.replaceChildren(el("strong", {}, made.code), el("p", {}, t("audit_purge_given", { until: wholeDate(made.expires_at), count: made.recordings })));
    show(given, true);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    apply.disabled = true;
    if (await onApply(code.value.trim().toUpperCase())) code.value = "";
    apply.disabled = run?.state === "running";
  });

  function write() {
    if (plan) writePlan();
    if (run) writeRun();
  }

  function writePlan() {
    put(asOf, t("audit_purge_as_of", { at: wholeDate(plan.as_of), count: plan.recordings }));
    rows.replaceChildren(...plan.sites.map((site) => el("tr", {}, el("th", { scope: "row" }, site.site_name), el("td", {}, String(site.recordings)),
      el("td", {}, sizeOf(site.bytes)), el("td", {}, dayOf(new Date(site.oldest))), el("td", {}, dayOf(new Date(site.newest))))));
    show(none, plan.recordings === 0);
    show(permit, plan.recordings > 0);
    stays.replaceChildren(...plan.kept.map((kept) => el("li", {}, t("audit_purge_stays", { count: kept.count, why: inWords(kept) }))),
      ...plan.broken.map((chain) => el("li", { class: "bad" }, t("audit_purge_broken", { site: chain.site, why: inWords(chain) }))));
  }

  function writeRun() {
    const running = run.state === "running";
    show(bar, running);
    bar.value = run.recordings ? run.deleted / run.recordings : 0;
    apply.disabled = running;
    put(words, wordsOf(run));
    left.replaceChildren(...[...run.kept, ...run.failed].map((recording) => el("li", {}, `${recording.session}: ${inWords(recording)}`)));
  }

  const stop = onLanguage(write);
  return {
    node,
    /** @param {{plan?: object, run?: object}} changed what is known anew */
    update(changed) {
      plan = changed.plan ?? plan;
      run = changed.run ?? run;
      write();
    },
    close: stop,
  };
}

function wordsOf(run) {
  if (run.state === "none") return t("audit_purge_no_run");
  if (run.zh) return t("audit_purge_refused", { why: inWords(run) });
  return t(`audit_purge_run_${run.state}`, { deleted: run.deleted, count: run.recordings, failed: run.failed.length, by: run.by, second: run.second });
}

const sizeOf = (bytes) => (bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);
