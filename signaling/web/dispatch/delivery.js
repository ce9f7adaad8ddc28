/**
 * Delivery of orders on a bad line: each order has an id under which it counts once, and stays here until it is known
 * whether it arrived.
 *
 * An order goes by the socket, then by REST. Where neither answers, the server is asked for the order's id as soon as it
 * can be reached again. One that did not arrive is sent again where it stops something; any other is taken back, because
 * what it was meant for may have changed meanwhile: it may still be under way on the old connection.
 */
import * as api from "../api/rest.js";
import { Problem } from "../api/rest.js";

const UNANSWERED = 3000; // ms until the officer is told to telephone: by then a gate without a lease has shut by itself
const ASK_AGAIN = 1000; // ms between questions for an order's outcome
const STOPS = new Set(["hold", "end"]);
const MOOT = new Set([404, 409]); // the visit is in another state by now, perhaps by this very order

/** Whether an order stops something, so that it is still wanted when it is late. */
const stops = ({ type, members }) => STOPS.has(type) || (type === "mute" && members.on);

export class Delivery {
  #socket;
  #changed;
  #orders = new Map();
  #closed = false;

  /** @param changed called when an order begins, is late, or is known to have arrived or not */
  constructor(socket, changed) {
    this.#socket = socket;
    this.#changed = changed;
  }

  /** The orders whose outcome is not known or not read yet: {id, type, name, session, state: "sending" | "unanswered" | "lost"}. */
  get all() {
    return [...this.#orders.values()];
  }

  /**
   * Sends an order. Resolves, once it arrived, to whether that took so long that the officer was told it had not; rejects
   * with the server's refusal, or with the problem `order_lost` when it is certain that it did not arrive. `name`: what the
   * page calls it, where one type of order serves two acts: a farewell must not be told as a stop.
   */
  async send(type, session, members, name = type) {
    const order = { id: api.newId("ord"), type, name, session, members, state: "sending" };
    this.#orders.set(order.id, order);
    const timer = setTimeout(() => this.#mark(order, "unanswered"), UNANSWERED);
    this.#changed();
    try {
      if (!(await this.#bySocket(order) || await this.#byRest(order))) await this.#untilKnown(order);
      this.#forget(order);
      return order.state === "unanswered";
    } catch (error) {
      if (error.code === "order_lost") this.#mark(order, "lost");
      else this.#forget(order);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Drops a lost order that the officer has read of. */
  dismiss(id) {
    if (this.#orders.get(id)?.state === "lost") this.#forget({ id });
  }

  close() {
    this.#closed = true;
  }

  async #bySocket({ id, type, session, members }) {
    try {
      await this.#socket.order(type, { session, order: id, ...members });
      return true;
    } catch (refusal) {
      if (refusal) throw new Problem(refusal, refusal.status);
      return false;
    }
  }

  async #byRest({ id, type, session, members }) {
    try {
      await api.order(session, type, members, id);
      return true;
    } catch (error) {
      if (error.status !== 0 && error.status < 500) throw error;
      return false;
    }
  }

  /** Asks until the server says whether an order arrived. Rejects with `order_lost`, or with a refusal. */
  async #untilKnown(order) {
    while (!this.#closed) {
      const carriedOut = await this.#outcome(order);
      if (carriedOut) return;
      if (carriedOut === false && !stops(order)) break;
      if (carriedOut === false && await this.#again(order)) return;
      await new Promise((done) => setTimeout(done, ASK_AGAIN));
    }
    throw api.localProblem("order_lost");
  }

  /** Sends a stop again. A server that was started anew remembers no order: it may refuse one that it has carried out. */
  async #again(order) {
    try {
      return await this.#bySocket(order);
    } catch (refusal) {
      throw MOOT.has(refusal.status) ? api.localProblem("order_moot") : refusal;
    }
  }

  /** Whether an order was carried out, and now never will be unless it stops something; null without an answer. */
  async #outcome(order) {
    try {
      return (await (stops(order) ? api.orderOutcome : api.takeOrderBack)(order.session, order.id)).carried_out;
    } catch (error) {
      return error.status === 404 ? false : null;
    }
  }

  #mark(order, state) {
    order.state = state;
    this.#changed();
  }

  #forget({ id }) {
    this.#orders.delete(id);
    this.#changed();
  }
}
