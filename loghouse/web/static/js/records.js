// The lines that are loaded: a window into all that a query finds, grown page by page in both directions.

import { askFirst } from "./ahead.js";
import { ask, selection } from "./api.js";
import { ms } from "./times.js";

const AROUND = 150; // lines on each side of a moment
const PAGE = 1000;
export const MOST_ROWS = 120_000; // in memory; the far end is dropped and comes again when it is scrolled to

export class Records {
  constructor() {
    this.clear();
  }

  clear() {
    this.rows = []; // oldest first
    this.ids = new Set();
    this.older = null; // where to go on towards older lines, null at the end
    this.newer = null;
    this.tailFrom = null;
    this.state = null;
  }

  /** Ask for the newest lines of a state, or for those around its moment; the first answer. */
  async begin(state, signal) {
    this.clear();
    this.state = state;
    if (state.at) return this.#around(state, signal);
    const answer = await askFirst(state, signal);
    if (answer.kind !== "records") return answer;
    this.#add(answer.records, false);
    this.older = answer.next ? { cursor: answer.next } : null;
    this.tailFrom = answer.tail_from;
    return answer;
  }

  async #around(state, signal) {
    const chosen = selection(state);
    const [before, after] = await Promise.all([
      ask("search", { ...chosen, to: state.at, limit: AROUND }, signal),
      ask("search", { ...chosen, since: "", from: state.at, order: "oldest", limit: AROUND }, signal),
    ]);
    this.#add(before.records, false);
    this.#add(after.records, false);
    this.older = before.next ? { cursor: before.next, to: state.at } : null;
    this.newer = after.next ? { cursor: after.next, from: state.at, since: "" } : null;
    this.moment = before.records.length;
    return { ...after, from_ns: before.from_ns };
  }

  /** The page before the first line; how many lines it had. */
  async loadOlder(signal) {
    const { cursor, ...range } = this.older;
    const answer = await ask("search", { ...selection(this.state), ...range, cursor, limit: PAGE }, signal);
    this.older = answer.next ? { ...range, cursor: answer.next } : null;
    return this.#add(answer.records, true);
  }

  /** The page after the last line. */
  async loadNewer(signal) {
    const { cursor, ...range } = this.newer;
    const answer = await ask("search", { ...selection(this.state), ...range, cursor, order: "oldest", limit: PAGE }, signal);
    this.newer = answer.next ? { ...range, cursor: answer.next } : null;
    return this.#add(answer.records, false);
  }

  /** Lines of the tail, in the order in which they were stored; those that are known, or come with older pages, are left out. */
  append(records) {
    return this.#add(records.filter((record) => !this.knows(record)), false);
  }

  /** Whether a line is loaded, or comes with older pages. */
  knows(record) {
    return this.ids.has(record.id) || this.#isOlder(record);
  }

  // The tail begins a little before the search ended: of that, only what the search did not see yet is new.
  #isOlder(record) {
    if (!this.older || !this.rows.length || ms(record.inserted_at) >= Number(this.tailFrom)) return false;
    return precedes(record.id, this.rows[0].id);
  }

  /** Forget the oldest lines when there are too many; how many were forgotten. */
  trimOldest(most = MOST_ROWS) {
    const surplus = Math.max(0, this.rows.length - most);
    for (const gone of this.rows.splice(0, surplus)) this.ids.delete(gone.id);
    if (surplus) this.older = { ...this.older, cursor: cursorAt(this.rows, 1) };
    return surplus;
  }

  /** The same for the newest. */
  trimNewest(most = MOST_ROWS) {
    const surplus = Math.max(0, this.rows.length - most);
    for (const gone of this.rows.splice(most, surplus)) this.ids.delete(gone.id);
    if (surplus) this.newer = { ...this.newer, cursor: cursorAt(this.rows, -1) };
    return surplus;
  }

  #add(records, before) {
    const fresh = records.filter((record) => !this.ids.has(record.id));
    for (const record of fresh) this.ids.add(record.id);
    if (before) this.rows = fresh.concat(this.rows);
    else this.rows.push(...fresh);
    return fresh.length;
  }
}

// Where the store goes on: the time of the line at an end, and how many of that time are known.
function cursorAt(rows, step) {
  const end = step > 0 ? 0 : rows.length - 1;
  const at = stamp(rows[end]);
  let known = 0;
  while (rows[end + known * step] && stamp(rows[end + known * step]) === at) known += 1;
  return `${at}.${known}`;
}

// Whether a line stands before another in the store's order: by time, source and offset, as ids name them.
function precedes(one, other) {
  const [first, second] = [one, other].map((id) => id.split(".").map(BigInt));
  const place = first.findIndex((part, index) => part !== second[index]);
  return place >= 0 && first[place] < second[place];
}

const stamp = (record) => record.id.slice(0, record.id.indexOf("."));

// Columns that every record has; other names are fields, `~name` is a label.
const COLUMNS = new Set("timestamp level namespace pod container node workload stream format message raw parse_error inserted_at".split(" "));

/** The value of a column as it is spelled in a query; undefined when a record does not have it. */
export function valueOf(record, key) {
  if (key.startsWith("~")) return own(record.labels, key.slice(1));
  if (key.startsWith("`")) return own(record.fields, key.slice(1, -1));
  if (COLUMNS.has(key)) return record[key] ?? (key === "raw" ? record.message : undefined);
  return own(record.fields, key);
}

// A field may be called like something that every object has.
const own = (holder, name) => (Object.hasOwn(holder, name) ? holder[name] : undefined);

/** A value as one line of text. */
export function asText(value) {
  if (value === undefined || value === null) return value === null ? "null" : "";
  if (typeof value !== "object") return String(value);
  return JSON.stringify(value, (_, each) => (typeof each === "bigint" ? String(each) : each));
}

/** What kind of value it is, as the field panel calls it. */
export function kindOf(value) {
  if (value === null) return "null";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number" || typeof value === "bigint") return "number";
  return typeof value === "string" ? "text" : "list";
}
