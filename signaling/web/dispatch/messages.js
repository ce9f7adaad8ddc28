/**
 * Handles the messages of the server: each changes the state, and some are passed on to what follows the server.
 */
import * as api from "../api/rest.js";
import { dayOf } from "../state/clock.js";
import { announceChange } from "../ui/alerts/announcements.js";
import { complain } from "../ui/toast.js";

export class ServerMessages {
  #state;
  #parts;
  #handlers = {
    welcome: (message) => this.#handleWelcome(message),
    sessions: ({ sessions }) => this.#handleSessions(sessions),
    session: ({ session }) => this.#handleSession(session),
    quality: (message) => this.#handleQuality(message),
    attention: (message) => this.#parts.attentionCheck.ask(message),
    handover: ({ handover }) => this.#parts.handovers.handle(handover),
    standing: (message) => this.#handlePresence(message),
    error: ({ problem }) => complain(new api.Problem(problem)),
  };

  /**
   * @param {DutyState} state
   * @param {{watched, talkback, attentionCheck, suspension, followUps, pageReport, expectTraffic, changed, onSignedOut}} parts
   *   `changed` is called after each message, `onSignedOut` when the server does not know the officer any more
   */
  constructor(state, parts) {
    this.#state = state;
    this.#parts = parts;
  }

  handle(message) {
    this.#handlers[message.type]?.(message);
    this.#parts.changed();
  }

  /** Starts anew on a new socket: the server repeats all that still holds after its welcome. */
  #handleWelcome({ server_time: time, gate_lease_ms: leaseMs }) {
    this.#state.clock.set(time);
    if (leaseMs) this.#state.leaseMs = leaseMs;
    this.loadDay();
    this.#parts.handovers.forget();
    this.#parts.suspension.refresh();
    this.#parts.followUps.refresh();
    this.#parts.fleetWatch.refresh();
    if (this.#state.supervises) this.#parts.pageReport.reportNow();
    this.#handlePresence({ sessions: [], prompt: null });
  }

  #handleSessions(views) {
    this.#state.hasSessions = true;
    views.forEach((view) => this.#handleSession(view));
  }

  #handleSession(view) {
    const before = this.#state.update(view);
    this.#parts.talkback.follow(view, this.#state.me.id);
    this.#parts.followUps.follow(before, view);
    const isSeen = this.#parts.watched.has(view.id) || view.id === this.#state.chosen;
    if (before && isSeen) announceChange(before, view);
  }

  #handleQuality(message) {
    this.#state.qualities.set(message.session, message);
    this.#parts.expectTraffic(this.#parts.watched.has(message.session));
  }

  #handlePresence(message) {
    this.#state.presence = message;
    this.#parts.attentionCheck.keepOnly(message.prompt);
  }

  /** Fetches the list of the server's day. */
  async loadDay() {
    const askedAt = performance.now();
    this.#state.day = dayOf(this.#state.clock.now());
    try {
      const { sessions } = await api.sessionsOf(this.#state.day);
      this.#state.updateDay(sessions, askedAt);
      this.#parts.changed();
    } catch (error) {
      if (error.status === 401) this.#parts.onSignedOut();
      else complain(api.asProblem(error));
    }
  }
}
