// The live tail: server-sent events from where a search ended. A connection that breaks is taken up at the last event,
// so nothing is missed; what comes twice is known by its id.

import { endpoint, parsed, selection } from "./api.js";

const MOST_WAITING = 10_000; // lines kept while paused; then the connection is closed and taken up later
const FIRST_WAIT = 1000; // milliseconds before a refused connection is tried again, doubled up to
const LONGEST_WAIT = 30_000;

export class Tail {
  /** `on.records(list)`, `on.known(record)`, `on.count(waiting, more)`, `on.gap()`, `on.notice(text)`, `on.state(name)`. */
  constructor(on) {
    this.on = on;
    this.source = null;
    this.timer = 0;
    this.#forget();
  }

  #forget() {
    this.waiting = [];
    this.paused = false;
    this.full = false;
    this.gap = false;
    this.state = null;
    this.last = "";
    this.wait = FIRST_WAIT;
  }

  get running() {
    return this.state !== null;
  }

  /** Follow what a state finds, from a search's `tail_from` on. */
  start(state, from) {
    this.stop();
    this.state = state;
    this.last = from || "";
    this.#connect();
  }

  stop() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.#forget();
    this.on.count(0, false);
    this.on.state("off");
  }

  /** Keep new lines back and count them. */
  pause() {
    if (!this.running || this.paused) return;
    this.paused = true;
    this.on.state("paused");
  }

  /** Show what was kept back, and go on. */
  resume() {
    if (!this.running || !this.paused) return;
    this.paused = false;
    const waiting = this.waiting;
    this.waiting = [];
    this.on.count(0, false);
    if (this.gap) this.on.gap();
    else if (waiting.length) this.on.records(waiting);
    this.gap = false;
    if (this.full) {
      this.full = false;
      this.#connect();
    }
    this.on.state(this.source?.readyState === EventSource.OPEN ? "live" : "connecting");
  }

  #connect() {
    const { query, namespace } = selection(this.state);
    const source = new EventSource(endpoint("tail", { query, namespace, resume: this.last }));
    this.source = source;
    if (!this.paused) this.on.state("connecting");
    source.addEventListener("open", () => {
      this.wait = FIRST_WAIT;
      if (!this.paused) this.on.state("live");
    });
    source.addEventListener("records", (event) => this.#arrived(event));
    source.addEventListener("gap", () => {
      if (this.paused) this.gap = true;
      else this.on.gap();
    });
    source.addEventListener("notice", (event) => this.on.notice(parsed(event.data).message));
    source.addEventListener("error", () => {
      if (source !== this.source) return;
      if (!this.paused) this.on.state("connecting");
      // The browser tries again by itself, but not after a refusal.
      if (source.readyState === EventSource.CLOSED) this.#later();
    });
  }

  #later() {
    this.source = null;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.running && this.#connect(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  #arrived(event) {
    this.last = event.lastEventId || this.last;
    const records = parsed(event.data);
    if (!this.paused) {
      this.on.records(records);
      return;
    }
    const waiting = new Set(this.waiting.map((record) => record.id));
    // A stream that is taken up begins a little before where it ended.
    this.waiting.push(...records.filter((record) => !waiting.has(record.id) && !this.on.known(record)));
    if (this.waiting.length >= MOST_WAITING) {
      this.full = true;
      this.source.close();
      this.source = null;
    }
    this.on.count(this.waiting.length, this.full);
  }
}
