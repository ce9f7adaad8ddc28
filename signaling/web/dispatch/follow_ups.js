/**
 * What follows visits that did not take place, and what an approver decides before and after them: fetched for the site,
 * and closed, decided, announced or approved.
 */
import * as api from "../api/rest.js";
import { t } from "../i18n/i18n.js";
import { askAbsence, askDecline } from "../ui/follow_ups.js";
import { askAnnouncement, askFiling, askSecondApproval } from "../ui/inbox/questions.js";
import { complain, inform } from "../ui/toast.js";

export class FollowUps {
  #me;
  #announces;
  #changed;
  announcements = { announcements: [], due: [] };
  rebookings = [];
  absences = [];

  /** @param me an approver also sees which announcements are due or not on file */
  constructor(me, changed) {
    this.#me = me;
    this.#announces = me.role === "approver";
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
    const of = (view) => `${view?.rebooking?.state} ${view?.absence?.state} ${this.#announces ? view?.state : ""}`;
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

  /** Announces why a visit stopped. */
  async announce(session, code) {
    const answer = await askAnnouncement(session, code);
    if (answer) await this.#send(() => api.announce({ id: api.newId("ann"), code, session: session.id, ...answer }));
  }

  async file(announcement) {
    if (await askFiling(announcement)) await this.#send(() => api.fileAnnouncement(announcement.id));
  }

  /** Approves a visit for the second institution. */
  async approveSecond(session) {
    const answer = await askSecondApproval(session, this.#me.name);
    if (answer) await this.#send(() => api.approveSlot(session.slot, answer));
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
