// What the page shows, kept in its address: a copied address shows the same to somebody else.

const LISTS = new Set(["ns", "cols"]);
const DEFAULTS = Object.freeze({
  q: "", // the query
  since: "1h", // how far back, or
  from: "",
  to: "",
  ns: [], // namespaces; none is all
  view: "lines", // or "patterns"
  shape: "both", // of a table: "both", "table" or "chart"
  cols: [], // chosen columns, as they are spelled in a query
  at: "", // the moment to start at
  open: "", // the id of an expanded line
  live: "on",
  wrap: "",
  tz: "", // "utc", or the reader's own zone
  tab: "", // the id of the saved query
});

let current = read(location.search);
const listeners = [];

/** The state that an address describes. */
export function read(search) {
  const given = new URLSearchParams(search);
  const state = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS)) {
    if (!given.has(name)) continue;
    state[name] = LISTS.has(name) ? given.getAll(name).filter(Boolean) : given.get(name);
  }
  if (state.from || state.to) state.since = "";
  return state;
}

/** The address of a state; what is as usual is left out. */
export function address(state) {
  const given = new URLSearchParams();
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    const value = state[name];
    if (LISTS.has(name)) value.forEach((each) => given.append(name, each));
    else if (value !== usual && !(name === "since" && !value)) given.set(name, value);
  }
  const text = given.toString();
  return text ? `?${text}` : location.pathname;
}

export const get = () => current;

/** Change the state; `listener(state, changed)` of everybody who watches is called. Going back undoes it. */
export function set(changes, { replace = false } = {}) {
  const next = { ...current, ...changes };
  const changed = new Set(Object.keys(DEFAULTS).filter((name) => String(next[name]) !== String(current[name])));
  current = next;
  if (changed.size) {
    const target = address(current);
    if (replace) history.replaceState(null, "", target);
    else history.pushState(null, "", target);
  }
  tell(changed);
}

/** Be told of changes. */
export function watch(listener) {
  listeners.push(listener);
}

function tell(changed) {
  for (const listener of listeners) listener(current, changed);
}

window.addEventListener("popstate", () => {
  const before = current;
  current = read(location.search);
  tell(new Set(Object.keys(DEFAULTS).filter((name) => String(before[name]) !== String(current[name]))));
});
