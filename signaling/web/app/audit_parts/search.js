/**
 * The search on the auditors' page. Results are remembered for "back": each search reads names and is journaled.
 */
import * as audit from "../../api/audit.js";
import { t } from "../../i18n/i18n.js";
import { requestOf, searchFragment } from "../../state/audit_query.js";
import { dayOf } from "../../state/clock.js";
import { resultsView } from "../../ui/audit/results.js";
import { searchForm } from "../../ui/audit/search_form.js";
import { el } from "../../ui/dom.js";
import { announce } from "../../ui/toast.js";

const REMEMBERED = 20; // searches

export class SearchPart {
  #form;
  #results;
  #remembered = new Map(); // fragment to what was found
  #shown = null; // the search whose results stand here
  #onFail;

  /** @param {{onGo(fragment), onFail(error), now(): Date}} page `onGo` shows a search as a place of its own */
  constructor({ onGo, onFail, now }) {
    this.#onFail = onFail;
    this.#form = searchForm((query) => {
      this.#remembered.delete(searchFragment(query)); // it was asked for again
      onGo(searchFragment(query));
    }, () => dayOf(now()));
    this.#results = resultsView(() => this.#more());
    this.node = el("div", { class: "audit-find" }, el("h1", { class: "unseen", t: "audit_part_search" }), this.#form.node, this.#results.node);
  }

  /** Shows a search and what it finds. Raises problems. @param {() => boolean} isCurrent whether it is still wanted */
  async show(query, isCurrent) {
    this.#form.write(query);
    this.#shown = searchFragment(query);
    if (!this.#shown) return this.#results.update(null);
    const found = this.#remembered.get(this.#shown);
    if (found) return this.#results.update(found);
    await this.#ask(query, null, isCurrent);
    if (isCurrent()) this.#results.focus();
  }

  forget() {
    this.#remembered.clear();
  }

  /** Offers the sites and rooms that the auditor may see. */
  async offerPlaces(role) {
    try {
      this.#form.offer(await audit.placesOf(role));
    } catch {
      // the fields can be filled by hand
    }
  }

  async #more() {
    const shown = this.#shown;
    const before = this.#remembered.get(shown);
    if (!before?.next) return;
    try {
      await this.#ask(before.query, before, () => shown === this.#shown);
    } catch (error) {
      this.#onFail(error);
    }
  }

  async #ask(query, before, isCurrent) {
    this.#results.waiting(true);
    try {
      const page = await audit.visits(requestOf(query, before?.next ?? null));
      const found = { query, visits: [...(before?.visits ?? []), ...page.visits], found: page.found, hasMore: page.more, next: page.next };
      this.#remember(searchFragment(query), found);
      this.#form.offerArticles(found.visits);
      if (!isCurrent()) return;
      this.#results.update(found);
      announce(t("audit_found", { count: page.found }));
    } finally {
      this.#results.waiting(false);
    }
  }

  #remember(fragment, found) {
    this.#remembered.delete(fragment);
    this.#remembered.set(fragment, found);
    while (this.#remembered.size > REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value);
  }
}
