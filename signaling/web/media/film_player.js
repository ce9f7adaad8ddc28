/**
 * Plays several films of one visit in step: the two sides and, when they are wanted, sounds of their own.
 *
 * Browsers play each element by its own clock. Ten times a second the films are compared with the first one, and those
 * that are ahead or behind play a little slower or faster until they meet; beyond a third of a second they jump. While
 * one of them waits for data or seeks, the others wait for it.
 */
const LOOK = 100; // ms between comparisons
const JUMP = 0.35; // seconds apart beyond which a film jumps to its place
const MEET = 0.008; // seconds apart that are left as they are
const PULL = 1.2; // share of the distance that is made good in each second
const MOST = 0.12; // share by which a film may be faster or slower meanwhile
const ENOUGH = 3; // HTMLMediaElement.HAVE_FUTURE_DATA
const FRAME = 1 / 25; // seconds
export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4]; // browsers play no sound beyond these

export class FilmPlayer {
  #films = [];
  #rate = 1;
  #wanted = false;
  #target = null; // where the films are being taken, until each has arrived
  #sent = new Map(); // the place to which each film was sent
  #timer = 0;
  #onChange;

  /** @param {() => void} onChange called when playing, waiting, the rate or the place has changed */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** Plays these elements from now on, from the same place and as fast as before. The first one leads. */
  use(films) {
    const at = this.time;
    for (const film of this.#films) if (!films.includes(film)) film.pause();
    for (const film of films) {
      if (this.#films.includes(film)) continue;
      film.preservesPitch = true;
      film.preload = "auto";
      for (const event of ["loadedmetadata", "seeked", "ended", "error"]) film.addEventListener(event, this.#noticed);
    }
    this.#films = [...films];
    if (films.length) this.#go(at);
    this.#watch();
  }

  close() {
    clearInterval(this.#timer);
    this.#wanted = false;
    for (const film of this.#films) release(film);
    this.#films = [];
  }

  get playing() {
    return this.#wanted;
  }

  /** Whether playing waits for the network. */
  get waiting() {
    return this.#wanted && !this.#ready();
  }

  get rate() {
    return this.#rate;
  }

  /** The length in seconds: that of the longest film, 0 before it has been read. */
  get length() {
    return Math.max(0, ...this.#films.map(({ duration }) => (Number.isFinite(duration) ? duration : 0)));
  }

  /** The second of the film that is shown. */
  get time() {
    if (this.#target !== null) return this.#target;
    const going = this.#films.find((film) => !film.ended);
    return going?.currentTime ?? Math.max(0, ...this.#films.map(({ currentTime }) => currentTime));
  }

  /** The largest distance between two films in milliseconds, 0 while they are not all playing. */
  get apart() {
    const times = this.#going().map(({ currentTime }) => currentTime);
    return times.length > 1 && this.#ready() ? (Math.max(...times) - Math.min(...times)) * 1000 : 0;
  }

  /** The first film that could not be loaded, or null. */
  get broken() {
    return this.#films.find(({ error }) => error) ?? null;
  }

  play() {
    if (this.length && this.time >= this.length - FRAME) this.#go(0);
    this.#wanted = true;
    this.#watch();
    this.#step();
    this.#onChange();
  }

  pause() {
    this.#wanted = false;
    for (const film of this.#films) film.pause();
    this.#onChange();
  }

  toggle() {
    if (this.#wanted) this.pause();
    else this.play();
  }

  seek(second) {
    this.#go(Math.min(Math.max(0, second), this.length || Infinity));
    this.#onChange();
  }

  /** Goes by whole frames, and stands still there. */
  stepFrames(count) {
    this.pause();
    this.seek(this.time + count * FRAME);
  }

  setRate(rate) {
    this.#rate = Math.min(Math.max(rate, RATES[0]), RATES.at(-1));
    for (const film of this.#films) film.playbackRate = this.#rate;
    this.#onChange();
  }

  #going = () => this.#films.filter((film) => !film.ended && !film.error);
  #ready = () => this.#films.every((film) => film.ended || film.error || (film.readyState >= ENOUGH && !film.seeking));

  #noticed = () => {
    this.#arrive();
    if (this.#films.length && this.#films.every(({ ended, error }) => ended || error)) this.#wanted = false;
    this.#step();
    this.#onChange();
  };

  #go(second) {
    this.#target = second;
    this.#arrive();
  }

  /** Sends each film to where it is wanted, as soon as it has an index to find the place. */
  #arrive() {
    if (this.#target === null) return;
    const late = this.#films.filter((film) => !film.error && film.readyState < 1);
    for (const film of this.#films) {
      const place = Math.min(this.#target, film.duration || 0);
      if (film.readyState < 1 || this.#sent.get(film) === place) continue;
      this.#sent.set(film, place);
      if (Math.abs(film.currentTime - place) > MEET) film.currentTime = place;
    }
    if (late.length || this.#films.some(({ seeking }) => seeking)) return;
    this.#sent.clear();
    this.#target = null;
  }

  #watch() {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#step(), LOOK);
  }

  #step() {
    if (!this.#wanted) return;
    this.#arrive();
    if (!this.#ready()) {
      for (const film of this.#films) if (film.readyState >= ENOUGH && !film.paused) film.pause();
      return this.#onChange();
    }
    for (const film of this.#going()) if (film.paused) film.play().catch(this.#refused);
    this.#meet();
    this.#onChange();
  }

  /** A browser that lets nothing play by itself is told so by standing still; other ends of a play are its own. */
  #refused = (error) => {
    if (error.name === "NotAllowedError") this.pause();
  };

  #meet() {
    const [lead, ...others] = this.#going();
    if (!lead) return;
    lead.playbackRate = this.#rate;
    for (const film of others) {
      const ahead = film.currentTime - lead.currentTime;
      if (Math.abs(ahead) > JUMP) film.currentTime = lead.currentTime;
      else film.playbackRate = this.#rate * (1 - pull(ahead / this.#rate));
    }
    if (this.#rate === RATES.at(-1)) this.#slowLead(lead, others);
  }

  /** At the highest speed films that are behind cannot become faster without losing their sound: the first one waits. */
  #slowLead(lead, others) {
    const ahead = Math.max(0, ...others.map((film) => lead.currentTime - film.currentTime));
    lead.playbackRate = this.#rate * (1 - pull(ahead / this.#rate));
    for (const film of others) film.playbackRate = Math.min(film.playbackRate, this.#rate);
  }
}

/** The share by which a film that is `ahead` seconds has to be slower. */
export function pull(ahead) {
  if (Math.abs(ahead) < MEET) return 0;
  return Math.min(MOST, Math.max(-MOST, ahead * PULL));
}

/** Lets an element forget its film, so that the browser closes the connection. */
function release(film) {
  film.pause();
  film.removeAttribute("src");
  film.load();
}
