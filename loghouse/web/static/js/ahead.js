// The first question of the address, asked while the rest of the page is still on its way.

import { ask, selection } from "./api.js";
import { get } from "./state.js";

const FIRST_PAGE = 120; // lines: more than a screen has, and few to read from the store

/** What the first page of a state is asked with. */
export function firstPage(state) {
  return { ...selection(state), limit: FIRST_PAGE };
}

let waiting = null;

const state = get();
if (state.view !== "patterns" && !state.at) {
  const leaving = new AbortController();
  const params = firstPage(state);
  waiting = { asked: JSON.stringify(params), leaving, answer: ask("search", params, leaving.signal) };
  waiting.answer.catch(() => {}); // told to whoever takes it
}

/** The answer for the first page of a state, asked for already or now. */
export function askFirst(state, signal) {
  const params = firstPage(state);
  const early = waiting;
  waiting = null;
  if (early?.asked === JSON.stringify(params)) {
    signal.addEventListener("abort", () => early.leaving.abort());
    return early.answer;
  }
  early?.leaving.abort();
  return ask("search", params, signal);
}
