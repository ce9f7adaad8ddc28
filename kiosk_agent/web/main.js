/** The room's page: it draws the screen that the agent sends, carries out its media orders, and sends back facts. */
import { setLines } from "./dom.js";
import { Link } from "./link.js";
import { lock } from "./locks.js";
import { Devices, listed } from "./media/devices.js";
import { Figures, testEquipment } from "./media/figures.js";
import { choose } from "./media/output.js";
import { Peers } from "./media/peers.js";
import { SmallPictures } from "./media/small_pictures.js";
import { FarewellControl } from "./parts/farewell.js";
import { Officer } from "./officer/officer.js";
import { watchOpening } from "./officer/opening.js";
import { Header } from "./parts/header.js";
import { Notice } from "./parts/notice.js";
import { CheckIn } from "./screens/check_in.js";
import { Drill } from "./screens/drill.js";
import { Ended } from "./screens/ended.js";
import { Held } from "./screens/held.js";
import { Idle } from "./screens/idle.js";
import { Live } from "./screens/live.js";
import { OutOfService } from "./screens/out_of_service.js";
import { Seat } from "./screens/seat.js";
import { Waiting } from "./screens/waiting.js";
import { reset, say, startWith, whenChanged } from "./settings.js";
import { WORDS } from "./words.js";

const SCREENS = {
  idle: Idle,
  check_in: CheckIn,
  seat: Seat,
  waiting: Waiting,
  live: Live,
  held: Held,
  ended: Ended,
  drill: Drill,
  out_of_service: OutOfService,
};
const NO_AGENT = {
  name: "out_of_service",
  title: WORDS.connecting,
  place: "",
  lines: [WORDS.connectingWait],
  banners: [],
};

const main = document.getElementById("main");
const trouble = (code) => link.send("trouble", { code: String(code).slice(0, 64) });

const devices = new Devices({ changed: () => draw(), trouble });
const figures = new Figures(devices, (found) => link.send("figures", found));
const pictures = new SmallPictures(figures, (buffer) => link.sendBytes(buffer));
const peers = new Peers({ devices, send: (type, members) => link.send(type, members), changed: () => draw() });
const farewell = new FarewellControl((on) => link.send("finished", { on }));
const page = { devices, figures, peers, farewell, send: (type, members) => link.send(type, members) };
const header = new Header(document.getElementById("header"));
const banners = document.getElementById("banners");
const notice = new Notice(document.getElementById("notice"), main, (warning) => link.send("warning_read", { warning }));
const officer = new Officer(document.getElementById("officer"), (type, members) => link.send(type, members), tellDevices);

let shown = NO_AGENT;
let drawn = null;
let deadline = null; // of the limit, on this page's own clock

function take(message) {
  if (message.type === "show") {
    deadline = message.left === null ? null : performance.now() + message.left * 1000;
    show(message.screen);
  } else if (message.type === "open_media") {
    peers.open(message);
  } else if (message.type === "close_media") {
    peers.close(message.kind, message.attempt);
  } else if (message.type === "count_people") {
    pictures.take(message.on);
  } else if (message.type === "settings") {
    use(message.choices);
  } else if (message.type === "officer") {
    officer.update(message.view);
  } else if (message.type === "test") {
    testEquipment(devices, figures, message).then((found) => link.send("tested", { number: message.number, ...found }));
  }
}

function use({ camera, microphone, speaker, volume, language, large }) {
  devices.choose({ video: camera, audio: microphone });
  choose(volume, speaker);
  startWith({ language, large });
  if (!shown.session) reset();
  tellDevices();
}

/** Tells the agent which devices there are, while the officer's screen shows them. Only open ones have labels. */
async function tellDevices() {
  const open = officer.level === "open";
  devices.need("officer", open);
  if (!open) return;
  await devices.ready();
  link.send("devices", { devices: await listed(devices.tracks) });
}

function show(screen) {
  shown = screen;
  devices.need("screen", screen.camera);
  peers.signed = screen.signed ?? null;
  if (!screen.session) reset();
  draw();
}

function draw() {
  const Kind = SCREENS[shown.name];
  if (!(drawn instanceof Kind)) {
    drawn?.close();
    drawn = new Kind(page);
    document.body.dataset.screen = shown.name;
    main.replaceChildren(drawn.node);
    main.focus();
    farewell.focus();
  }
  drawn.update(shown, deadline);
  farewell.update(shown.farewell ?? null);
  header.update(shown);
  setLines(banners, [...shown.banners, ...unplugged()].map((line) => say(line)));
  banners.classList.toggle("talkback", shown.talkback === true);
  notice.update(shown.warning);
  document.body.classList.toggle("signing", Boolean(shown.signed));
}

/** What to say of a camera or microphone that is gone, on every screen that needs them. */
function unplugged() {
  if (!shown.camera) return [];
  const { video, audio } = devices.missing;
  return [video && WORDS.cameraGone, audio && WORDS.microphoneGone].filter(Boolean);
}

function lost() {
  peers.closeAll();
  pictures.take(false);
  deadline = null;
  officer.update({ level: "closed", strip: false });
  show(NO_AGENT);
}

addEventListener("error", (event) => trouble(`error ${event.message}`));
addEventListener("unhandledrejection", (event) => trouble(`error ${event.reason?.name ?? "unknown"}`));
whenChanged(draw);
whenChanged(() => officer.draw());
navigator.mediaDevices.addEventListener("devicechange", tellDevices);
watchOpening(() => link.send("officer_asked"));
lock(() => trouble("leaving"));
const link = new Link(take, lost);
draw();
