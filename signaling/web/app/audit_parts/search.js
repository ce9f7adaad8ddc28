/**
 * The search on the auditors' page. Results are remembered for "back": each search reads names and is journaled.
 */
import * as audit from "../../api/audit.js";
import { asProblem } from "../../api/rest.js";
import { t } from "../../i18n/i18n.js";
import { requestOf, searchFragment } from "../../state/audit_query.js";
import { dayOf } from "../../state/clock.js";
import { resultsView } from "../../ui/audit/results.js";
import { searchForm } from "../../ui/audit/search_form.js";
import { el } from "../../ui/dom.js";
import { announce } from "../../ui/toast.js";

const REMEMBERED = 20; // searches
/** Gives the focus to the results where the button that had it is gone. */
const keepFocus = (results) => document.activeElement === document.body && results.focus();

export class SearchPart {
  #form;
  #results;
  #remembered = new Map(); // fragment to what was found
  #shown = null; // the search whose results stand here
  #onFail;
  #met = null; // places of visits that were found, for a role that reads no list of them

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

  /** Shows a search and what it finds, or why it fails. @param {() => boolean} isCurrent whether it is still wanted */
  async show(query, isCurrent) {
    this.#form.write(query);
    this.#shown = searchFragment(query);
    if (!this.#shown) return this.#results.update(null);
    const found = this.#remembered.get(this.#shown);
    if (found) return this.#results.update(found);
    this.#results.update(null);
    try {
      await this.#ask(query, null, isCurrent);
      if (isCurrent()) this.#results.focus();
    } catch (error) {
      this.#tell(error, isCurrent, () => this.show(query, isCurrent));
    }
  }

  /** Says in the place of the results that a search has failed, and offers to try it again. */
  #tell(error, isCurrent, retry) {
    if (error.status === 401) this.#onFail(error);
    else if (isCurrent()) this.#results.fail(asProblem(error), retry);
  }

  forget() {
    this.#remembered.clear();
  }

  /** The row of a visit that a search has found, or undefined. */
  rowOf(id) {
    return [...this.#remembered.values()].flatMap(({ visits }) => visits).findLast(({ session }) => session === id);
  }

  /** Offers the sites and rooms that the officer may see; of a role that reads no list of them, those of what was found. */
  async offerPlaces(role) {
    if (!audit.readsPlaces(role)) {
      this.#met = new Map();
      return;
    }
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
    const isCurrent = () => shown === this.#shown;
    try {
      await this.#ask(before.query, before, isCurrent);
    } catch (error) {
      this.#tell(error, isCurrent, () => this.#more().then(() => keepFocus(this.#results)));
    }
  }

  async #ask(query, before, isCurrent) {
    this.#results.waiting(true);
    try {
      const page = await audit.visits(requestOf(query, before?.next ?? null));
      const found = { query, visits: [...(before?.visits ?? []), ...page.visits], found: page.found, hasMore: page.more, next: page.next };
      this.#remember(searchFragment(query), found);
      this.#form.offerArticles(found.visits);
      if (this.#met) this.#offerMet(page.visits);
      if (!isCurrent()) return;
      this.#results.update(found);
      announce(t("audit_found", { count: page.found }));
    } finally {
      this.#results.waiting(false);
    }
  }

  #offerMet(visits) {
    for (const place of visits.flatMap(({ prison, visitor }) => [prison, visitor])) this.#met.set(`${place.site} ${place.room}`, place);
    this.#form.offer([...this.#met.values()]);
  }

  #remember(fragment, found) {
    this.#remembered.delete(fragment);
    this.#remembered.set(fragment, found);
    while (this.#remembered.size > REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value);
  }
}
