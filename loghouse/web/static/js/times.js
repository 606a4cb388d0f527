// Times as people read them. The store counts nanoseconds, which numbers of the browser cannot hold: texts keep them.

const pad = (number, width = 2) => String(number).padStart(width, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
export const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Milliseconds of an RFC 3339 time. */
export const ms = (text) => Date.parse(text.replace(/(\.\d{3})\d+/, "$1"));

/** Milliseconds of nanoseconds in a text. */
export const msOfNs = (text) => Number(BigInt(text) / 1000n) / 1000;

/** Whether a text is a moment with its zone, and not words for the server to read. */
export const isExact = (text) => /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text);

export const iso = (milliseconds) => new Date(milliseconds).toISOString();

function parts(milliseconds, utc) {
  const date = new Date(milliseconds);
  return utc
    ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds(), date.getUTCMilliseconds()]
    : [date.getFullYear(), date.getMonth(), date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds(), date.getMilliseconds()];
}

/** `07:25:16.525`. */
export function clock(milliseconds, utc) {
  const [, , , hour, minute, second, rest] = parts(milliseconds, utc);
  return `${pad(hour)}:${pad(minute)}:${pad(second)}.${pad(rest, 3)}`;
}

/** `21 Nov`. */
export function day(milliseconds, utc) {
  const [, month, date] = parts(milliseconds, utc);
  return `${pad(date)} ${MONTHS[month]}`;
}

/** `21 Nov 07:25`, with seconds when they are not 0. */
export function moment(milliseconds, utc) {
  const [, , , hour, minute, second] = parts(milliseconds, utc);
  return `${day(milliseconds, utc)} ${pad(hour)}:${pad(minute)}${second ? `:${pad(second)}` : ""}`;
}

/** `2026-11-21 07:25:16.525783052`, and the zone. */
export function whole(text, utc) {
  const at = ms(text);
  const [year, month, date, hour, minute, second] = parts(at, utc);
  const fraction = (/\.(\d+)/.exec(text) || ["", "000"])[1];
  return `${year}-${pad(month + 1)}-${pad(date)} ${pad(hour)}:${pad(minute)}:${pad(second)}.${fraction} ${utc ? "UTC" : offset(at)}`;
}

function offset(at) {
  const minutes = -new Date(at).getTimezoneOffset();
  return `${minutes < 0 ? "-" : "+"}${pad(Math.floor(Math.abs(minutes) / 60))}:${pad(Math.abs(minutes) % 60)}`;
}

/** The value of an `<input type="datetime-local">`. */
export function forInput(milliseconds, utc) {
  const [year, month, date, hour, minute, second] = parts(milliseconds, utc);
  return `${year}-${pad(month + 1)}-${pad(date)}T${pad(hour)}:${pad(minute)}:${pad(second)}`;
}

/** Milliseconds of such a value. */
export const ofInput = (value, utc) => Date.parse(utc ? `${value}Z` : value);

/** `90m` in milliseconds; NaN for what is no such age. */
export function age(text) {
  const found = /^(\d+(?:\.\d+)?)\s*([smhdw])$/.exec(text.trim());
  return found ? Number(found[1]) * UNITS[found[2]] : NaN;
}

/** `3 min ago`. */
export function ago(milliseconds, now = Date.now()) {
  const seconds = Math.max(0, (now - milliseconds) / 1000);
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}

/** `1.5 s`, `5 min`: a length of time. */
export function length(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  for (const [unit, size] of [["day", UNITS.d], ["h", UNITS.h], ["min", UNITS.m], ["s", 1000]]) {
    if (milliseconds >= size) {
      const amount = Math.round((milliseconds / size) * 10) / 10;
      return `${amount} ${unit}${unit === "day" && amount !== 1 ? "s" : ""}`;
    }
  }
  return "";
}

const NAMES = { s: "second", m: "minute", h: "hour", d: "day", w: "week" };

/** The range of a state in words. */
export function rangeInWords(state) {
  const utc = state.tz === "utc";
  if (state.since) {
    const found = /^(\d+)([smhdw])$/.exec(state.since);
    if (!found) return `Last ${state.since}`;
    return found[1] === "1" ? `Last ${NAMES[found[2]]}` : `Last ${found[1]} ${NAMES[found[2]]}s`;
  }
  const name = (text) => (isExact(text) ? moment(ms(text), utc) : text);
  if (!state.to) return `From ${name(state.from)}`;
  if (!state.from) return `Up to ${name(state.to)}`;
  const [start, end] = [name(state.from), name(state.to)];
  return start.slice(0, 7) === end.slice(0, 7) && start !== state.from ? `${start} – ${end.slice(7)}` : `${start} – ${end}`;
}

/** The smallest step of a clock or calendar that is not smaller than this. */
function niceStep(least) {
  const { s, m, h: hour, d } = { ...UNITS };
  const steps = [s, 2 * s, 5 * s, 10 * s, 15 * s, 30 * s, m, 2 * m, 5 * m, 10 * m, 15 * m, 30 * m, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, d, 2 * d, 7 * d, 14 * d, 30 * d];
  return steps.find((step) => step >= least) ?? Math.ceil(least / d) * d;
}

/** Round moments between two times, at most so many; `utc` says whose midnight counts. */
export function ticks(begin, end, most, utc) {
  const step = niceStep((end - begin) / most);
  const zone = utc ? 0 : new Date(begin).getTimezoneOffset() * UNITS.m;
  const found = [];
  for (let at = Math.ceil((begin - zone) / step) * step + zone; at <= end; at += step) found.push(at);
  return { step, found };
}

/** What stands at a tick. */
export const tickText = (at, step, utc) => (step >= UNITS.d ? day(at, utc) : clock(at, utc).slice(0, step < UNITS.m ? 8 : 5));
