/**
 * The page's one WebSocket: it reconnects by itself, matches acknowledgements to orders, and notices a dead line.
 *
 * The server sends everything anew after `welcome`, so that a reconnection needs no bookkeeping here.
 */
const DELAYS = [100, 250, 500, 1000, 2000]; // ms; with CONNECT_LIMIT a healthy server is back under 3 s
const CONNECT_LIMIT = 2500;
const CROWDED_DELAY = 10_000; // after 4029: the server asked for fewer sockets
const SILENCE_LIMIT = 6000; // ms: six missed one-second quality messages: the line is dead although "open"
const ACK_LIMIT = 3000; // ms until an order counts as unanswered

export class LiveSocket {
  #handlers;
  #socket = null;
  #attempt = 0;
  #timer = 0;
  #silence = 0;
  #next = 1;
  #orders = new Map();
  #expectTraffic = false;

  /** @param {{onMessage, onState, onRefused}} handlers state: "connecting" | "up" | "down" */
  constructor(handlers) {
    this.#handlers = handlers;
    addEventListener("online", this.#reconnectNow);
  }

  get up() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  open() {
    clearTimeout(this.#timer);
    const address = new URL("/api/v1/ws", location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address, "huijian.v1");
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#handleClose(socket, 0), CONNECT_LIMIT);
    socket.onopen = () => clearTimeout(this.#timer);
    socket.onmessage = (event) => this.#handleMessage(socket, event.data);
    socket.onclose = (event) => this.#handleClose(socket, event.code);
  }

  close() {
    removeEventListener("online", this.#reconnectNow);
    this.#forget();
  }

  /** While true, a silent line counts as dead and is replaced. */
  expectTraffic(yes) {
    this.#expectTraffic = yes;
    if (!yes) clearTimeout(this.#silence);
  }

  /** Sends an order. Resolves on its ack; rejects with the server's problem, or `null` without an answer. */
  order(type, members) {
    if (!this.up) return Promise.reject(null);
    const id = `o${this.#next++}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id, "reject", null), ACK_LIMIT);
      this.#orders.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ type, id, ...members }));
    });
  }

  /** Sends a message that has no answer; it is lost while the socket is away. */
  send(type, members) {
    if (this.up) this.#socket.send(JSON.stringify({ type, ...members }));
  }

  #handleMessage(socket, data) {
    if (socket !== this.#socket) return;
    const message = JSON.parse(data);
    if (message.type === "welcome") {
      this.#attempt = 0;
      this.#handlers.onState("up");
    }
    clearTimeout(this.#silence);
    if (this.#expectTraffic) this.#silence = setTimeout(() => this.#handleClose(socket, 0), SILENCE_LIMIT);
    if (message.type === "ack") this.#settle(message.re, "resolve");
    else if (message.type === "error" && message.re) this.#settle(message.re, "reject", message.problem);
    else this.#handlers.onMessage(message);
  }

  #settle(id, how, value) {
    const order = this.#orders.get(id);
    if (!order) return;
    clearTimeout(order.timer);
    this.#orders.delete(id);
    order[how](value);
  }

  #handleClose(socket, code) {
    if (socket !== this.#socket) return;
    this.#forget();
    if (code === 4001 || code === 4003) return this.#handlers.onRefused(code);
    const delay = code === 4029 ? CROWDED_DELAY : DELAYS[Math.min(this.#attempt++, DELAYS.length - 1)];
    this.#handlers.onState(this.#attempt > DELAYS.length ? "down" : "connecting");
    this.#timer = setTimeout(() => this.open(), delay * (0.75 + Math.random() / 4));
  }

  #forget() {
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    this.#expectTraffic = false;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    for (const id of [...this.#orders.keys()]) this.#settle(id, "reject", null);
  }

  #reconnectNow = () => {
    if (!this.#socket && this.#timer) this.open();
  };
}
