/**
 * The ledger on the auditors' page: has the file made, checks that it is the one that was signed, and keeps it until the
 * part is left.
 */
import * as audit from "../../api/audit.js";
import * as api from "../../api/rest.js";
import { ledgerView } from "../../ui/audit/ledger.js";
import { complain } from "../../ui/toast.js";

/** The part of the page; `start` offers the sites. */
export class LedgerPart {
  #view;
  #addresses = [];
  #closed = false;
  #site;
  #role;

  constructor(me, today) {
    [this.#site, this.#role] = [me.site, me.role];
    const whole = me.role === "auditor" || me.role === "supervisor";
    this.#view = ledgerView({ site: me.site, whole, month: me.role !== "supervisor" }, today, (order) => this.#make(order));
    this.node = this.#view.node;
  }

  async start() {
    const places = await audit.placesOf(this.#role);
    const sites = new Map(places.map(({ site, site_name: name }) => [site, name]));
    const own = this.#site ? [this.#site] : [...sites.keys()];
    if (!this.#closed) this.#view.offer(own.map((id) => ({ id, name: sites.get(id) ?? id })));
  }

  close() {
    this.#closed = true;
    this.#forget();
    this.#view.close();
  }

  async #make(order) {
    this.#forget();
    try {
      const { name, data, signature } = await audit.ledger(order);
      if (this.#closed) return null;
      const statement = signature && JSON.parse(new TextDecoder().decode(signature));
      const genuine = statement && statement.file.sha256 === await sha256(data);
      return { name, address: this.#keep(data), signature: signature && this.#keep(signature), statement, genuine };
    } catch (error) {
      complain(api.asProblem(error));
      return null;
    }
  }

  #keep(data) {
    const address = URL.createObjectURL(new Blob([data]));
    this.#addresses.push(address);
    return address;
  }

  #forget() {
    this.#addresses.splice(0).forEach((address) => URL.revokeObjectURL(address));
  }
}

async function sha256(data) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
