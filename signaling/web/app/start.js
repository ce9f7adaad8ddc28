/**
 * The start of a page for some roles: the sign-in, or the page of the officer who is signed in; and the sign-in again
 * once that ends.
 */
import * as api from "../api/rest.js";
import { translate } from "../i18n/i18n.js";
import { signInView } from "../ui/sign_in.js";
import { complain } from "../ui/toast.js";

/**
 * @param {{roles: Set<string>, refusal: string, words: object, make(me, onSignedOut)}} page `refusal` is the code with
 *   which other roles are refused, `words` those of the sign-in, by default the monitor's; `make` returns {node, start(), close()}
 */
export function startPage({ roles, refusal, words, make }) {
  const place = document.getElementById("page");
  let running = null;

  /** @param ended whether the server has ended the sign-in; not by the officer's own click */
  function askToSignIn(ended = false) {
    running?.close();
    running = null;
    const view = signInView(async (user, password) => {
      try {
        await api.signIn(user, password);
        await begin();
      } catch (error) {
        if (error.code === refusal) await api.signOut(); // who may not be here is not left signed in behind the refusal
        view.refuse(api.asProblem(error));
      }
    }, undefined, words);
    place.replaceChildren(view.node);
    translate(document);
    if (ended) view.refuse(api.localProblem("signed_out"));
    view.focus();
  }

  async function begin() {
    const { who: me } = await api.me();
    if (!roles.has(me.role)) throw api.localProblem(refusal);
    running?.close();
    running = make(me, askToSignIn);
    place.replaceChildren(running.node);
    translate(document);
    await running.start();
  }

  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    complain(api.asProblem(event.reason));
  });
  translate(document);
  begin().catch((error) => {
    askToSignIn();
    if (error.status !== 401) complain(api.asProblem(error));
  });
}
