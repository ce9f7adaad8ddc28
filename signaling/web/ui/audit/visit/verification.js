/**
 * The check of a recording: signature, hashes, chain and dates, with the result in words. It runs in the server's
 * background; the page asks how far it is.
 */
import * as audit from "../../../api/audit.js";
import { asProblem } from "../../../api/rest.js";
import { inWords, onLanguage, t } from "../../../i18n/i18n.js";
import { wholeDate } from "../../../state/clock.js";
import { filmTime } from "../../../state/film_time.js";
import { el, mark, put, show } from "../../dom.js";
import { announce, complain } from "../../toast.js";
import { polling } from "../polling.js";

const EVERY = 1000; // ms between looks while it runs

/** @param {(second: number) => void} onSeek */
export function verificationView(session, onSeek) {
  const words = el("p", { class: "verified-words", role: "status", t: "audit_verify_hint" });
  const bar = el("progress", { max: "1", value: "0", tLabel: "audit_verify", hidden: true });
  const list = el("ul", { class: "mark-list" });
  const button = el("button", { type: "button", class: "small-button", t: "audit_verify", on: { click: begin } });
  const node = el("section", { class: "verified", "aria-labelledby": "verified-title" },
    el("div", { class: "line" }, el("h2", { id: "verified-title", t: "audit_verified" }), el("span", { class: "spring" }), button), words, bar, list);
  const looks = polling(async () => follow(await audit.verification(session)), { every: EVERY, onEnd: lose });
  let closed = false;
  let shown = null;
  let pressed = false; // the button had the focus, and gets it back

  async function begin() {
    pressed = document.activeElement === button;
    button.disabled = true;
    try {
      follow(await audit.verify(session));
    } catch (error) {
      release();
      complain(asProblem(error));
    }
  }

  function release() {
    button.disabled = false;
    if (pressed && document.activeElement === document.body) button.focus();
    pressed = false;
  }

  function follow(found) {
    if (closed) return;
    shown = found;
    write();
    if (found.state === "running") looks.again();
    else announce(inWords(found));
  }

  /** Begins anew where the server has lost the check, as it does when it restarts. */
  function lose() {
    shown = null;
    mark(node, "state", "");
    words.dataset.t = "audit_verify_hint";
    put(words, t("audit_verify_hint"));
    show(bar, false);
    release();
  }

  const write = () => {
    if (!shown) return;
    const { state, progress, findings = [], checked_at: at } = shown;
    const running = state === "running";
    mark(node, "state", state);
    delete words.dataset.t; // from now on its words are the server's
    put(words, running ? t("audit_verifying", { percent: Math.round((progress ?? 0) * 100) }) : `${inWords(shown)}${at ? ` (${wholeDate(at)})` : ""}`);
    show(bar, running);
    bar.value = progress ?? 0;
    if (running) button.disabled = true;
    else release();
    list.replaceChildren(...findings.map(finding));
  };

  function finding(found) {
    const second = found.second ?? null;
    return el("li", {}, el("p", {}, inWords(found)),
      el("div", { class: "line" }, el("span", { class: "quiet small" }, found.file ?? ""),
        ...(second === null ? [] : [el("button", { type: "button", class: "small-button", "aria-label": t("audit_play_from", { at: filmTime(second) }), on: { click: () => onSeek(second) } }, filmTime(second))])));
  }

  const stop = onLanguage(write);
  return {
    node,
    /** Shows what was found before, and follows one that runs. @param found as the server sends it with the visit, or null */
    update(found) {
      if (!found || closed || shown) return;
      shown = found;
      write();
      if (found.state === "running") looks.again();
    },
    close() {
      closed = true;
      looks.close();
      stop();
    },
  };
}
