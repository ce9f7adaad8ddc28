/**
 * Entry of the auditors' page.
 */
import { PARTS } from "../ui/audit/page.js";
import { Audit } from "./audit_page.js";
import { startPage } from "./start.js";

// Films must not be played from the browser's memory after the page was left.
addEventListener("pageshow", (event) => event.persisted && location.reload());

startPage({
  roles: new Set(Object.keys(PARTS)), refusal: "not_auditor", words: { title: "audit_title", hint: "audit_sign_in_hint" },
  make: (me, onSignedOut) => new Audit(me, onSignedOut),
});
