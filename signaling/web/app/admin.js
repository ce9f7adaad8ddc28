/**
 * Entry of the administration page.
 */
import { Admin } from "./admin_page.js";
import { startPage } from "./start.js";

startPage({
  roles: new Set(["admin", "auditor"]), refusal: "not_admin", words: { title: "admin_title", hint: "admin_sign_in_hint" },
  make: (me, onSignedOut) => new Admin(me, onSignedOut),
});
