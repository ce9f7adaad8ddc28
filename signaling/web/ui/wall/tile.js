/**
 * One session on the wall: both pictures, with the facts as lines at their edges, which take no height from them.
 */
import { inWords, t } from "../../i18n/i18n.js";
import { namesOf, reasonOf, visitLine, visitName } from "../../i18n/session_words.js";
import { minutesSeconds, urgency } from "../../state/clock.js";
import { SIDES } from "../../state/sessions.js";
import { alertChip } from "../alerts/alerts.js";
import { el, icon, mark, put, show, swapIcon } from "../dom.js";
import { quorumChip, recordingLight, stateBadge } from "../session_badges.js";
import { pictureView } from "./picture.js";

/** @param {{onOpen(id), onSound(id, side), onRetry(id, side), onDuty(id), onZoom(id, side | null)}} actions */
export function tileView(actions) {
  let id = "";
  const badge = stateBadge();
  const number = el("span", { class: "tile-number", "aria-hidden": "true" });
  const name = el("button", { type: "button", class: "tile-name", on: { click: () => actions.onOpen(id) } });
  const left = el("span", { class: "left" });
  const quorums = SIDES.map(quorumChip);
  const light = recordingLight();
  const alerts = alertChip();
  const duty = dutyMark(() => actions.onDuty(id));
  const both = el("button", { type: "button", class: "sound both", tTitle: "listen_both", on: { click: () => actions.onSound(id, "both") } }, icon("sound"), el("span", { t: "listen_both" }));
  const zoomWords = el("span", { class: "unseen" });
  const enlarge = el("button", { type: "button", class: "dark zoom", on: { click: () => actions.onZoom(id, null) } }, icon("enlarge"), zoomWords);
  const slateWords = el("span");
  const slate = el("p", { class: "slate" }, icon("held"), slateWords);
  const pictures = SIDES.map((side) => pictureView(side, {
    onSound: (which) => actions.onSound(id, which),
    onRetry: (which) => actions.onRetry(id, which),
    onZoom: (which) => actions.onZoom(id, which),
  }));
  const edge = el("div", { class: "tile-bar edge" },
    el("div", { class: "tile-head" }, number, badge.node, name, el("span", { class: "spring" }), left),
    slate,
    el("div", { class: "tile-facts" }, duty.node, alerts.node, ...quorums.map((chip) => chip.node), light.node,
      el("span", { class: "tile-actions" }, both, enlarge)));
  const node = el("article", { class: "tile", tabindex: "-1" },
    el("div", { class: "pictures" }, ...pictures.map((picture) => picture.node)), edge);
  return {
    node,
    update({ session, chosen, watched, listening, quality, isDuty, zoom, mayZoom, trouble, presence, now, number: at }) {
      id = session.id;
      const over = session.state === "ended";
      node.setAttribute("aria-label", visitLine(session));
      mark(node, "chosen", chosen);
      mark(node, "state", session.state);
      mark(node, "duty", isDuty);
      mark(node, "trouble", trouble);
      mark(node, "zoomed", Boolean(zoom));
      mark(node, "side", zoom?.side ?? "");
      put(number, at <= 9 ? at : "");
      badge.update(session);
      put(name, visitName(session));
      name.title = [visitLine(session), ...SIDES.map((side) => namesOf(session.quorum[side].have))].join("\n");
      for (const chip of quorums) {
        chip.update(session);
        show(chip.node, !over);
      }
      light.update(session);
      alerts.update(session, now);
      duty.update(isDuty, presence);
      show(duty.node, !over);
      both.setAttribute("aria-pressed", String(listening.is(session.id, "both")));
      show(both, watched.has(session.id));
      show(enlarge, mayZoom || Boolean(zoom));
      swapIcon(enlarge, zoom ? "shrink" : "enlarge");
      put(zoomWords, t(zoom ? "zoom_out" : "zoom_in"));
      enlarge.title = zoomWords.textContent;
      show(slate, session.state === "held" || over);
      put(slateWords, `${t(`state_${session.state}`)}${t("colon")}${reasonOf(session)}`);
      SIDES.forEach((side, which) => pictures[which].update({
        session, whep: watched.get(session.id, side), zoomed: zoom?.side === side, mayZoom: mayZoom || Boolean(zoom),
        heard: listening.hears(session.id, side), sent: quality?.sides[side],
      }));
    },
    /** Takes its place on the wall: a rectangle of wall_geometry.js, or null where it has none. */
    place(rectangle, stacked) {
      show(node, rectangle !== null);
      mark(node, "stacked", stacked);
      if (!rectangle) return;
      placeIn(node, rectangle);
      pictures.forEach((picture, at) => placeIn(picture.node, rectangle.pictures[at]));
    },
    tick(ms) {
      show(left, ms !== null);
      mark(left, "urgency", urgency(ms));
      put(left, ms === null ? "" : minutesSeconds(ms));
    },
    pressDuty: () => duty.node.click(),
    levels: () => pictures.forEach((picture) => picture.level()),
    close: () => pictures.forEach((picture) => picture.close()),
  };
}

/** Writes a property of a style only when it differs. */
function style(node, name, value) {
  if (node.style[name] !== value) node.style[name] = value;
}

function sizeOf(node, { width, height }) {
  style(node, "width", `${width}px`);
  style(node, "height", `${height}px`);
}

function placeIn(node, rectangle) {
  style(node, "left", `${rectangle.x}px`);
  style(node, "top", `${rectangle.y}px`);
  sizeOf(node, rectangle);
}

/** Shows whether this session is the officer's duty and, which is another thing, whether they count for it. */
function dutyMark(onDuty) {
  const words = el("span");
  const node = el("button", { type: "button", class: "dark duty-mark", data: { reads: "false" }, on: { click: onDuty } }, icon("star"), words);
  return {
    node,
    /** @param presence the server's status of the officer for this session, or null before it */
    update(isDuty, presence) {
      const lacking = isDuty && presence && !presence.counted;
      node.setAttribute("aria-pressed", String(isDuty));
      mark(node, "level", !isDuty ? "none" : lacking ? "bad" : presence ? "good" : "wait");
      swapIcon(node, lacking ? "warn" : isDuty ? "star" : "eye");
      put(words, t(!isDuty ? "looked_at" : lacking ? "duty_not_counted" : "on_duty"));
      node.title = lacking ? presence.why.map(inWords).join(t("and_then")) : t(isDuty ? "duty_hint" : "looked_at_hint");
    },
  };
}
