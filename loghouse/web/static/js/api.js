// The HTTP API: parameters of the state, answers as values, errors with the place they are about.

let csrf = "";

/** What the server said no with; `place` is where in the query. */
class ApiError extends Error {
  constructor(status, told) {
    super(told.error || `the server answered ${status}`);
    this.status = status;
    this.hint = told.hint || "";
    this.place = told.place || null;
    this.mode = told.mode || "";
  }
}

/** The token that writes need, from `/api/v1/me`. */
export function useToken(token) {
  csrf = token;
}

export const zone = (state) => (state.tz === "utc" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");

/** The parameters that choose records. */
export function selection(state) {
  return { query: state.q, since: state.since, from: state.from, to: state.to, tz: zone(state), namespace: state.ns };
}

/** The address of an endpoint; empty parameters are left out, lists are repeated. */
export function endpoint(path, params = {}) {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const each of Array.isArray(value) ? value : [value]) if (each !== "" && each !== null && each !== undefined) given.append(name, each);
  }
  const text = given.toString();
  return `/api/v1/${path}${text ? `?${text}` : ""}`;
}

/** Ask; an aborted `signal` ends the query in the store as well. */
export function ask(path, params, signal) {
  return told(endpoint(path, params), { signal });
}

/** Write; the body is sent as JSON. */
export function send(method, path, body) {
  return told(path.startsWith("/") ? path : `/api/v1/${path}`, {
    method,
    body: body === undefined ? undefined : JSON.stringify(body),
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
  });
}

async function told(url, options) {
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { error: "the server cannot be reached", hint: "Is it still running? Try again in a moment" });
  }
  if (response.status === 204) return null;
  const text = await response.text();
  let body = {};
  try {
    body = parsed(text);
  } catch {
    if (response.ok) throw new ApiError(response.status, { error: "the answer cannot be read" });
  }
  if (response.ok) return body;
  const error = new ApiError(response.status, body);
  if (error.status === 401) document.dispatchEvent(new CustomEvent("login-needed", { detail: error }));
  throw error;
}

// Numbers of more digits than the browser's own hold are kept as they were written.
const LONG_NUMBER = /[:,[]-?\d{16,}[,}\]]/;

/** JSON as values; whole numbers that would be rounded become `BigInt`. */
export function parsed(text) {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_, value, context) =>
    typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && context ? BigInt(context.source) : value,
  );
}

/** The opposite. */
export function written(value, indent = 2) {
  return JSON.stringify(value, (_, each) => (typeof each === "bigint" ? JSON.rawJSON(String(each)) : each), indent);
}
