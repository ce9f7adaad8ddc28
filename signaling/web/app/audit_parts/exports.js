/**
 * Exports on the auditors' page: reads requests, follows those that are being built, and gives the officers' orders.
 */
import * as audit from "../../api/audit.js";
import * as api from "../../api/rest.js";
import { t } from "../../i18n/i18n.js";
import { askStep, exportsView } from "../../ui/audit/exports/exports.js";
import { isGoing } from "../../ui/audit/exports/row.js";
import { complain, inform } from "../../ui/toast.js";

const EVERY = 2000; // ms between looks while a package is built
const PATHS = { approve: "decide", refuse: "decide", build: "build", withdraw: "withdraw" };

/** The requests of one visit, or of all where there is no `session`. */
export class ExportsPart {
  #view;
  #requests = [];
  #timer = 0;
  #closed = false;

  /** @param {() => void} onDecided after a step, when less may wait for the officer */
  constructor(me, session = null, onDecided = () => {}) {
    this.session = session;
    this.onDecided = onDecided;
    this.#view = exportsView(me.id, {
      onStep: (request, step) => this.#step(request, step),
      ...(session ? { onRequest: (order) => this.#request(order) } : {}),
    });
    this.node = this.#view.node;
  }

  /** Reads the requests. Raises problems. */
  async start() {
    const [{ exports }, { downloaders }] = await Promise.all([audit.exportsOf(this.session), this.session ? audit.downloadersOf(this.session) : { downloaders: [] }]);
    this.#view.offer(downloaders);
    this.#show(exports);
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#view.close();
  }

  #show(requests) {
    if (this.#closed) return;
    this.#requests = requests;
    this.#view.update(requests);
    clearTimeout(this.#timer);
    if (requests.some(isGoing)) this.#timer = setTimeout(() => this.#look(), EVERY);
  }

  /** Looks how far they are. Where the server is away, it is told once, and looked again. */
  async #look(complained = false) {
    try {
      this.#show(await Promise.all(this.#requests.map((request) => (isGoing(request) ? audit.exportOf(request.id) : request))));
    } catch (error) {
      if (!complained && !this.#closed) complain(api.asProblem(error));
      if (!this.#closed && error.status !== 401) this.#timer = setTimeout(() => this.#look(true), EVERY);
    }
  }

  async #request(order) {
    return this.#do(() => audit.requestExport(this.session, order), "audit_done_export");
  }

  async #step(request, step) {
    const body = await askStep(request, step);
    if (body) await this.#do(() => audit.stepExport(request.id, PATHS[step], body), `audit_done_export_${step}`);
    this.onDecided();
  }

  async #do(order, done) {
    try {
      const changed = await order();
      inform(t(done));
      const others = this.#requests.filter(({ id }) => id !== changed.id);
      this.#show([changed, ...others].sort((a, b) => b.at.localeCompare(a.at)));
      return true;
    } catch (error) {
      complain(api.asProblem(error));
      return false;
    }
  }
}
