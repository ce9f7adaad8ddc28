/** The socket to the agent: it connects again by itself, and tells the agent each second that the page is alive. */
const AGAIN = 500; // ms; the agent is on this machine, so that trying often costs nothing
const BEAT = 1000; // ms

export class Link {
  #take;
  #lost;
  #socket = null;

  /** @param take gets every message; @param lost is called when the agent has gone */
  constructor(take, lost) {
    this.#take = take;
    this.#lost = lost;
    setInterval(() => this.send("beat"), BEAT);
    this.#connect();
  }

  send(type, members = {}) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ type, ...members }));
  }

  /** Sends a small picture to the agent. */
  sendBytes(buffer) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(buffer);
  }

  #connect() {
    const url = new URL("link", location.href);
    url.protocol = "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener("message", (event) => this.#take(JSON.parse(event.data)));
    socket.addEventListener("close", () => {
      this.#lost();
      setTimeout(() => this.#connect(), AGAIN);
    });
  }
}
