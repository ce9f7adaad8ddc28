/**
 * Orders of the person on duty: by the socket, and by REST when the socket does not answer.
 *
 * Ending must work while the socket is away; the server refuses what is already done, so a repeated
 * order does no harm.
 */
import * as api from "./api.js";
import { Problem } from "./api.js";
import { t } from "./i18n.js";
import { askArticle, askPlain } from "./view/dialog.js";
import { complain, inform } from "./view/toast.js";
import { roomsOf } from "./view/facts.js";

export class Orders {
  #socket;

  constructor(socket) {
    this.#socket = socket;
  }

  /** Hold or end, with an article's code chosen from the session's policy pack. */
  async withArticle(kind, session) {
    try {
      const { interventions: items } = await api.interventions(session.id);
      const answer = await askArticle({ kind, where: this.#where(session), items });
      if (!answer) return;
      await this.#send(kind, session.id, { article: answer.article, ...noteOf(answer) });
      inform(t(`done_${kind}`));
    } catch (error) {
      complain(api.asProblem(error));
    }
  }

  async resume(session) {
    const answer = await askPlain({ kind: "resume", where: this.#where(session) });
    if (answer) await this.#told(this.#send("resume", session.id, noteOf(answer)), "done_resume");
  }

  /** One check of one listed person, made or taken back. */
  tick(session, side, person, tick, on) {
    return this.#told(this.#send("tick", session.id, { side, person, tick, on }), "", true);
  }

  seat(session, side, ready) {
    return this.#told(this.#send("seat", session.id, { side, ready }), "", true);
  }

  /** One listed person will not come; asked before it is told. */
  async absent(session, side, person) {
    const answer = await askPlain({ kind: "absent", where: person.name, note: false });
    if (answer) await this.#told(this.#send("absent", session.id, { side, person: person.id }));
  }

  equipment(session, side, passed) {
    return this.#told(this.#send("equipment", session.id, { side, passed }), "", true);
  }

  /** Any other order; resolves to whether it was taken. A refusal is shown. */
  tell(type, session, what, words = "") {
    return this.#told(this.#send(type, session.id, what), words, true).then(() => true, () => false);
  }

  #where(session) {
    return roomsOf(session).join(" ⇄ ");
  }

  async #told(sending, words = "", rethrow = false) {
    try {
      await sending;
      if (words) inform(t(words));
    } catch (error) {
      complain(api.asProblem(error));
      if (rethrow) throw error;
    }
  }

  async #send(type, session, what) {
    try {
      await this.#socket.order(type, { session, ...what });
    } catch (refusal) {
      if (refusal) throw new Problem(refusal, refusal.status);
      await api.order(session, type, what);
    }
  }
}

const noteOf = ({ note }) => (note ? { note } : {});
