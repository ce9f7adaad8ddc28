/**
 * The administration page of an officer who is signed in: reads what the open section shows, asks before each act, and
 * shows codes, links and keys once.
 */
import { act, add, invite, packDifferences, packText, read } from "../api/admin.js";
import * as api from "../api/rest.js";
import { onLanguage, t, translate } from "../i18n/i18n.js";
import { wholeDate } from "../state/clock.js";
import { SECTIONS, frameView } from "../ui/admin/frame.js";
import { changesView, usersView } from "../ui/admin/people.js";
import { packDialog } from "../ui/admin/pack_dialog.js";
import { roomsView, sitesView, terminalsView } from "../ui/admin/places.js";
import { askAct, askNew } from "../ui/admin/questions.js";
import { healthView, keysView, packsView } from "../ui/admin/service.js";
import { shownOnce } from "../ui/admin/shown_once.js";
import { complain, inform } from "../ui/toast.js";

const NEEDS = { sites: ["packs"], rooms: ["sites"], users: ["sites"], terminals: ["sites"], packs: ["sites"] }; // what the forms of a section choose from
const ADDS = { sites: ["site"], rooms: ["room"], terminals: ["spare"], users: ["invitation"], keys: ["key"] };
const PROVINCIAL = new Set(["site", "key"]);
const MAKES_LINK = new Set(["new-password", "invitation"]);

/** Sites with the pack by which each goes; what names it is a path where the pack is the site's own. */
function withPacks(sites, packs) {
  const named = new Map(packs.map((pack) => [pack.policy, pack]));
  return sites.map((site) => ({ ...site, pack: named.get(site.policy) ?? null }));
}

export class Admin {
  #me;
  #frame;
  #views;
  #state = { sites: [] };
  #section = "";
  #stop;

  constructor(me, onSignedOut) {
    this.#me = me;
    this.onSignedOut = onSignedOut;
    const sections = SECTIONS.filter((section) => section !== "keys" || !me.site);
    const reach = (section) => ({ me, may: me.role === "admin", province: !me.site, onAct: (what, row) => this.#try(() => this.#act(section, what, row)) });
    const makers = { changes: changesView, sites: sitesView, rooms: roomsView, terminals: terminalsView, users: usersView, keys: keysView, packs: packsView, health: healthView };
    this.#views = Object.fromEntries(sections.map((section) => [section, makers[section](reach(section))]));
    this.#frame = frameView(me, sections, { onAdd: (what) => this.#try(() => this.#add(what)), onSignOut: () => this.#signOut() });
    this.node = this.#frame.node;
    this.follow = () => this.#try(() => this.#open(location.hash.slice(1)));
  }

  async start() {
    this.#stop = onLanguage(() => this.#show());
    addEventListener("hashchange", this.follow);
    this.#state.changes = await read.changes();
    await this.#open(location.hash.slice(1), false);
  }

  close() {
    this.#stop?.();
    removeEventListener("hashchange", this.follow);
    this.onSignedOut = null;
  }

  async #open(wanted, focus = true) {
    this.#section = wanted in this.#views ? wanted : this.#state.changes.length ? "changes" : "sites";
    await this.#read();
    if (focus) this.#frame.focus();
  }

  /** Reads what the open section shows, and what waits for a word. */
  async #read() {
    const section = this.#section;
    this.#frame.busy(t("admin_reading"));
    try {
      const names = [...new Set(["changes", section, ...(NEEDS[section] ?? [])])];
      const found = await Promise.all(names.map((name) => read[name]()));
      names.forEach((name, at) => { this.#state[name] = found[at]; });
    } finally {
      this.#frame.busy("");
    }
    this.#show();
  }

  #show() {
    const section = this.#section;
    const found = this.#state[section];
    this.#frame.count(this.#state.changes.filter(({ mine }) => mine).length);
    this.#frame.open(section, this.#views[section].node, this.#addsOf(section));
    this.#views[section].update(this.#rowsOf(section, found));
    translate(this.node);
  }

  #rowsOf(section, found) {
    if (section === "health") return found.parts;
    return section === "sites" ? withPacks(found, this.#state.packs) : this.#withSites(found);
  }

  /** Rows with the names of their sites, where the sites are read. */
  #withSites(rows) {
    const names = new Map(this.#state.sites.map(({ id, name }) => [id, name]));
    const nameOf = (site) => names.get(site) ?? site ?? t("admin_province");
    return rows.map((row) => {
      if (Array.isArray(row.sites)) return { ...row, site_names: row.sites.map(nameOf) }; // a pack, which is in force at many
      return row.site === undefined || row.site_name ? row : { ...row, site_name: nameOf(row.site) };
    });
  }

  #addsOf(section) {
    if (this.#me.role !== "admin") return [];
    return (ADDS[section] ?? []).filter((what) => !(this.#me.site && PROVINCIAL.has(what)));
  }

  async #add(what) {
    const form = await askNew(what, this.#state, this.#me);
    if (form === null) return;
    if (what === "invitation") this.#showLink(await invite(form));
    else if (what === "spare") this.#showCode(await act("sites", form.site, "spare-enrolment", { password: form.password }));
    else if (what === "key") this.#showKey(await add("keys", form));
    else {
      await add(`${what}s`, form);
      inform(t("admin_added", { name: form.name }));
    }
    await this.#read();
  }

  async #act(section, what, row) {
    if (section === "packs") return this.#pack(what, row);
    const body = await askAct(section, what, row, this.#state);
    if (body === null) return;
    if (what === "enrol" || what === "replace") this.#showCode(await act("rooms", row.id, "enrolment", { ...body, replace: what === "replace" }));
    else if (MAKES_LINK.has(what)) this.#showLink(await act(section, row.id, what, body));
    else this.#done(what, await act(section, row.id, what, body));
    await this.#read();
  }

  #done(what, answer) {
    inform(t(answer.state === "waiting" && answer.kind ? "admin_waits" : `admin_done_${what.replaceAll("-", "_")}`));
  }

  async #pack(what, { name, sha256, others }) {
    const content = what === "read" ? await packText(sha256) : await packDifferences(others[0].sha256, sha256);
    packDialog(what, name, content);
  }

  #showLink({ user, path, hours, state, qr }) {
    const kind = state === "waiting" ? "link_waits" : "link";
    this.#once({ kind, secret: location.origin + path, values: { user, hours }, qr });
  }

  #showCode({ code, room, site, expires_at: until }) {
    this.#once({ kind: "code", secret: code, values: { place: room ?? site, until: wholeDate(until) } });
  }

  #showKey({ name, key }) {
    this.#once({ kind: "key", secret: key, values: { name } });
  }

  #once(shown) {
    const view = shownOnce(shown, () => this.#frame.focus());
    this.#frame.once.replaceChildren(view.node);
    translate(view.node);
    view.focus();
  }

  async #try(action) {
    try {
      await action();
    } catch (error) {
      if (error.status === 401) return this.onSignedOut?.(true);
      complain(api.asProblem(error));
    }
  }

  async #signOut() {
    await api.signOut().catch(() => {});
    this.onSignedOut?.();
  }
}
