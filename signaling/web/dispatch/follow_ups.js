/**
 * What follows visits that did not take place: fetched for the site, and closed or decided with a reason.
 */
import * as api from "../api/rest.js";
import { t } from "../i18n/i18n.js";
import { askAbsence, askDecline } from "../ui/follow_ups.js";
import { complain, inform } from "../ui/toast.js";

export class FollowUps {
  #announces;
  #changed;
  announcements = { announcements: [], due: [] };
  rebookings = [];
  absences = [];

  /** @param me an approver also sees which announcements are due or not on file */
  constructor({ role }, changed) {
    this.#announces = role === "approver";
    this.#changed = changed;
  }

  /** Fetches both lists; after a failure the old ones stay until the next call. */
  async refresh() {
    try {
      const announced = this.#announces ? api.announcements() : this.announcements;
      const [{ rebookings }, { absences }, announcements] = await Promise.all([api.rebookings(), api.absences(), announced]);
      Object.assign(this, { rebookings, absences, announcements });
      this.#changed();
    } catch (error) {
      // a server without them has none; the page shows elsewhere that it is disconnected or signed out
      if (![0, 401, 404].includes(error.status)) complain(api.asProblem(error));
    }
  }

  /** Fetches the lists again when the end of a session, or a decision about it, adds to them. */
  follow(before, after) {
    const of = (view) => `${view?.rebooking?.state} ${view?.absence?.state}`;
    if (before && of(before) !== of(after)) this.refresh();
  }

  async decline(request) {
    const answer = await askDecline(request);
    if (answer) await this.#send(() => api.declineRebooking(request.id, answer));
  }

  async decide(absence, decision) {
    const answer = await askAbsence(absence, decision);
    if (answer) await this.#send(() => api.decideAbsence(absence.id, decision, answer));
  }

  async #send(order) {
    try {
      await order();
      inform(t("done_decide"));
    } catch (error) {
      complain(api.asProblem(error));
    }
    await this.refresh();
  }
}
