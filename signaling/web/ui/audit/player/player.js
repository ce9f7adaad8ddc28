/**
 * The player of one visit: pictures with the viewer's name over them, the bar below, and what the keys do.
 */
import { FilmPlayer, RATES } from "../../../media/film_player.js";
import { el, mark, show } from "../../dom.js";
import { controlsView } from "./controls.js";
import { copyView } from "./copy.js";
import { Films, filmsFor, viewerMark, VOICES } from "./films.js";

const SOUNDS = [["prison", "visitor", "supervisors"], ["prison"], ["visitor"], []]; // in the order of the key

/**
 * @param {object} visit as the server sends it @param {{me, now(), onTime(second), onHelp()}} page
 */
export function playerView(visit, { me, now, onTime, onHelp }) {
  const officers = (visit.lanes?.interventions ?? []).some(({ kind }) => kind === "talkback") || (visit.lanes?.speech?.supervisors ?? []).length > 0;
  const choice = { mode: "sides", copy: false, heard: new Set(VOICES.filter((voice) => voice !== "supervisors" || officers)), officers };
  const overlay = viewerMark(me, now);
  const pictures = el("div", { class: "film-pictures" });
  const trouble = el("p", { class: "film-trouble", role: "alert", t: "audit_film_broken", hidden: true });
  const screen = el("div", { class: "film-screen" }, pictures, overlay.node, trouble);
  const films = new Films(visit.session, pictures);
  const player = new FilmPlayer(changed);
  const copy = copyView(visit.session, () => {
    choice.copy = true;
    if (!player.playing && player.time === 0) choice.mode = "view"; // nothing has been looked at yet
    choose();
  });
  const actions = {
    onToggle: () => player.toggle(),
    onSeek: (second, by = 0) => player.seek(second === null ? player.time + by : second),
    onFrames: (count) => player.stepFrames(count),
    onRate: (rate) => player.setRate(rate),
    onMode(mode) {
      choice.mode = mode;
      choose();
    },
    onHear(voice, on) {
      if (on) choice.heard.add(voice);
      else choice.heard.delete(voice);
      choose();
    },
    onFull: () => toggleFull(node),
    onHelp,
  };
  const controls = controlsView(actions);
  const node = el("section", { class: "film", tLabel: "audit_player" }, screen, copy.node, controls.node);
  pictures.addEventListener("click", actions.onToggle);

  function choose() {
    player.use(films.choose(filmsFor(choice.mode, choice.heard, officers)));
    changed();
  }

  function changed() {
    show(trouble, player.broken !== null);
    mark(node, "playing", String(player.playing));
    mark(node, "apart", String(Math.round(player.apart)));
    controls.update(player, choice);
    onTime(player.time);
  }

  function sound() {
    const at = SOUNDS.findIndex((heard) => heard.filter((voice) => voice !== "supervisors" || officers).join() === [...choice.heard].sort(inOrder).join());
    choice.heard = new Set(SOUNDS[(at + 1) % SOUNDS.length].filter((voice) => voice !== "supervisors" || officers));
    choose();
  }

  return {
    node,
    get time() { return player.time; },
    get length() { return player.length; },
    start(at) {
      choose();
      if (at) player.seek(at);
      copy.look();
    },
    seek: (second) => player.seek(second),
    tick: overlay.tick,
    close() {
      copy.close();
      player.close();
      films.close();
    },
    /** What the keys of state/audit_keys.js do; each gets the key. */
    keys: {
      play: () => player.toggle(),
      arrow: (key) => actions.onSeek(null, key === "ArrowLeft" ? -5 : 5),
      jump: (key) => actions.onSeek(null, key === "J" ? -10 : 10),
      frame: (key) => player.stepFrames(key === "," || key === "，" ? -1 : 1),
      speed: (key) => player.setRate(RATES[Math.min(Math.max(RATES.indexOf(player.rate) + (key === "-" ? -1 : 1), 0), RATES.length - 1)]),
      tenth: (key) => player.seek((player.length * Number(key)) / 10),
      sound,
      full: actions.onFull,
      help: onHelp,
    },
  };
}

const inOrder = (a, b) => VOICES.indexOf(a) - VOICES.indexOf(b);

/** Shows the player on the whole screen, with the viewer's name; the picture alone could be shown without it. */
function toggleFull(node) {
  if (document.fullscreenElement) document.exitFullscreen();
  else node.requestFullscreen?.();
}
