/**
 * What an approver is asked before a decision of the inbox: the text of an announcement, its filing, and the second
 * institution's approval.
 */
import { t } from "../../i18n/i18n.js";
import { citationOf, visitLine } from "../../i18n/session_words.js";
import { ask, askPlain } from "../dialog.js";
import { el } from "../dom.js";

const LONGEST_TEXT = 2000; // characters of an announcement
const LONGEST_NAME = 64;

/** Asks for the text of an announcement. @returns {Promise<{text: string} | null>} */
export function askAnnouncement(session, code) {
  const text = filled(el("textarea", { name: "text", rows: "5", required: true, maxlength: String(LONGEST_TEXT) }), "announcement_text");
  return ask({
    title: t("announce"), session, where: `${visitLine(session)} · ${citationOf(code)}`, warning: t("ask_announce_warning"),
    confirm: t("announce"), style: "primary", note: false, middle: el("div", { class: "long-form" }, text), read: () => ({ text: text.value.trim() }),
  });
}

export const askFiling = ({ cause, site }) => askPlain({ kind: "file", where: `${cause} · ${site}`, note: false });

/** Asks who approved and under which article. @returns {Promise<{approved_by: string, article: string} | null>} */
export function askSecondApproval(session, name) {
  const by = filled(el("input", { name: "approved_by", required: true, maxlength: String(LONGEST_NAME), value: name }), "approved_by");
  const article = filled(el("input", { name: "article", required: true, maxlength: String(LONGEST_NAME), value: articleOf(session) }), "choose_article");
  return ask({
    title: t("approve_second"), session, where: visitLine(session), warning: t("ask_approve_second_warning"),
    confirm: t("approve_second"), style: "primary", note: false, middle: el("div", { class: "long-form" }, by, article),
    read: () => ({ approved_by: by.value.trim(), article: article.value.trim() }),
  });
}

const articleOf = ({ missing }) => missing.find(({ code }) => code === "second_approval")?.article ?? "";

/** A required field with its name. Blanks fill nothing, although `required` alone would accept them. */
function filled(field, key) {
  field.ariaLabel = t(key);
  field.placeholder = t(key);
  field.addEventListener("input", () => field.setCustomValidity(field.value.trim() ? "" : t(key)));
  return field;
}
