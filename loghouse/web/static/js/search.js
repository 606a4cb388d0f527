// One question at a time: its lines or its table first, then what is counted about it, then what comes new.

import { ask, selection } from "./api.js";
import { byId } from "./dom.js";
import { complain, forget, say } from "./notices.js";
import { Records } from "./records.js";
import { Tail } from "./stream.js";

const COUNT_AGAIN = 5000; // milliseconds between counts while lines come

export class Search {
  /** `show` draws: `lines(answer)`, `table(answer)`, `patterns(state, signal)`, `error(error)`, `prepended(n)`, ... */
  constructor(show, { histogram, fields }) {
    this.show = show;
    this.histogram = histogram;
    this.fields = fields;
    this.records = new Records();
    this.running = null;
    this.loading = { older: false, newer: false };
    this.answer = null;
    this.came = false; // lines since the last count
    this.tail = new Tail({
      records: (records) => this.#came(records),
      known: (record) => this.records.knows(record),
      count: (waiting, more) => show.waiting(waiting, more),
      gap: () => this.#catchUp(),
      notice: say,
      state: (name) => show.live(name),
    });
    setInterval(() => this.#countAgain(), COUNT_AGAIN);
  }

  /** Ask anew; what was asked before is given up, in the store as well. */
  async run(state) {
    this.running?.abort();
    const running = (this.running = new AbortController());
    const { signal } = running;
    this.state = state;
    this.tail.stop();
    this.fields.stop();
    this.loading = { older: false, newer: false };
    this.came = false;
    forget();
    this.show.busy(true);
    this.histogram.wait(true);
    try {
      if (state.view === "patterns") {
        const count = await this.show.patterns(state, signal);
        if (signal.aborted) return;
        this.show.counted(`${count.toLocaleString("en")} pattern${count === 1 ? "" : "s"}`);
        this.answer = null;
      } else {
        const answer = await this.records.begin(state, signal);
        if (signal.aborted) return;
        this.answer = answer;
        this.range = { from: answer.from_ns, to: answer.to_ns };
        if (answer.kind === "table") this.show.table(answer);
        else this.show.lines(answer);
        if (this.#follows(state, answer)) this.tail.start(state, this.records.tailFrom);
      }
      this.show.ready(this.answer);
      this.#count(state, signal);
      this.fields.load(state);
    } catch (error) {
      if (error.name === "AbortError" || signal.aborted) return;
      this.histogram.wait(false);
      this.show.error(error);
    } finally {
      if (this.running === running) this.show.busy(false);
    }
  }

  /** Load the page before the first line. */
  older() {
    return this.#page("older", (signal) => this.records.loadOlder(signal), (count) => {
      this.show.prepended(count);
      const dropped = this.records.trimNewest();
      if (!dropped) return;
      // What comes new would not stand beside what is left.
      this.tail.stop();
      this.show.cut(dropped);
    });
  }

  /** Load the page after the last line. */
  newer() {
    return this.#page("newer", (signal) => this.records.loadNewer(signal), (count) => {
      this.show.appended(count, false);
      this.show.dropped(this.records.trimOldest());
    });
  }

  async #page(side, load, shown) {
    if (this.loading[side] || !this.records[side]) return;
    this.loading[side] = true;
    const { signal } = this.running;
    try {
      const count = await load(signal);
      if (signal.aborted) return;
      this.loading[side] = false;
      shown(count);
    } catch (error) {
      if (error.name === "AbortError") return;
      complain(error);
      // Not at once again: the next scroll asks.
      setTimeout(() => (this.loading[side] = false), 2000);
    }
  }

  #follows(state, answer) {
    return answer.kind === "records" && answer.live && state.live === "on" && !state.to && !state.at && this.records.tailFrom !== null;
  }

  #came(records) {
    const count = this.records.append(records);
    if (!count) return;
    this.came = true;
    this.show.appended(count, true);
    this.show.dropped(this.records.trimOldest());
  }

  // More came than the stream tells at once. It goes on with what comes from now on; a search finds all before that.
  async #catchUp() {
    const { signal } = this.running;
    this.tail.pause();
    try {
      const answer = await this.records.begin(this.state, signal);
      if (signal.aborted) return;
      this.show.lines(answer);
      this.tail.resume();
      this.came = true;
    } catch (error) {
      if (error.name !== "AbortError" && !signal.aborted) this.show.error(error);
    }
  }

  async #count(state, signal) {
    try {
      const counted = await ask("hist", selection(state), signal);
      if (!signal.aborted) {
        this.histogram.show(counted, { utc: state.tz === "utc", moment: state.at });
        this.range = { from: counted.from_ns, to: counted.to_ns };
        if (state.view !== "patterns" && this.answer?.kind === "records") this.show.counted(`${counted.total.toLocaleString("en")} line${counted.total === 1 ? "" : "s"}`);
      }
    } catch (error) {
      if (error.name !== "AbortError" && !signal.aborted) complain(error);
    }
  }

  #countAgain() {
    if (!this.came || document.hidden || !this.tail.running || !byId("histogram").isConnected) return;
    this.came = false;
    this.#count(this.state, this.running.signal);
  }
}
