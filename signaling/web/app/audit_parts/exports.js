/**
 * Exports on the auditors' page: reads requests, follows those that are being built, and gives the officers' orders.
 */
import * as audit from "../../api/audit.js";
import * as api from "../../api/rest.js";
import { t } from "../../i18n/i18n.js";
import { askStep, exportsView } from "../../ui/audit/exports/exports.js";
import { isGoing } from "../../ui/audit/exports/row.js";
import { mayComeBack, polling } from "../../ui/audit/polling.js";
import { complain, inform } from "../../ui/toast.js";

const EVERY = 2000; // ms between looks while a package is built
const PATHS = { approve: "decide", refuse: "decide", build: "build", withdraw: "withdraw" };

/** The requests of one visit, or of all where there is no `session`. */
export class ExportsPart {
  #view;
  #requests = [];
  #closed = false;
  #looks = polling(() => this.#look(), { every: EVERY });
  #gone = new Set(); // ids of requests that can be read no more

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
    this.#looks.close();
    this.#view.close();
  }

  #show(requests) {
    if (this.#closed) return;
    this.#requests = requests;
    this.#view.update(requests);
    if (this.#followed().length) this.#looks.again();
  }

  #followed() {
    return this.#requests.filter((request) => isGoing(request) && !this.#gone.has(request.id));
  }

  /** Looks how far they are. One that can be read no more is told once, and holds up no other one. */
  async #look() {
    const asked = this.#followed();
    const answers = await Promise.allSettled(asked.map(({ id }) => audit.exportOf(id)));
    const anew = new Map(answers.flatMap(({ value }) => (value ? [[value.id, value]] : [])));
    const failed = answers.flatMap(({ reason }, at) => (reason ? [{ reason, id: asked[at].id }] : []));
    const refused = failed.filter(({ reason }) => !mayComeBack(reason));
    refused.forEach(({ id }) => this.#gone.add(id));
    this.#show(this.#requests.map((request) => anew.get(request.id) ?? request));
    if (refused.length) complain(api.asProblem(refused[0].reason));
    const away = failed.find(({ reason }) => mayComeBack(reason));
    if (away) throw away.reason;
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
      this.#gone.delete(changed.id);
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
