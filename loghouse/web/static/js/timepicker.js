// The time range: so far back, from and to in words or by a calendar, or around a moment.

import { fill, h } from "./dom.js";
import { popup } from "./popup.js";
import * as times from "./times.js";

const AGES = ["5m", "15m", "30m", "1h", "3h", "6h", "12h", "24h", "2d", "7d", "14d", "30d"];
const AROUND = ["1m", "5m", "15m", "1h", "6h"];

/** Open the picker at `button`; `choose(changes)` gets the new range. */
export function pickTime(button, state, choose) {
  popup(button, (panel, close) => {
    const utc = state.tz === "utc";
    const take = (changes) => {
      close();
      choose(changes);
    };
    const range = { since: "", from: "", to: "", at: "", open: "" };
    fill(panel,
      h("section", {}, h("h2", { text: "Last" }), h("div", { class: "ages" }, AGES.map((age) =>
        h("button", { type: "button", text: age, "aria-pressed": String(state.since === age), "aria-label": times.rangeInWords({ since: age, tz: "" }), on: { click: () => take({ ...range, since: age }) } })),
        ownAge(state, (since) => take({ ...range, since })))),
      absolute(state, utc, (from, to) => take(from || to ? { ...range, from, to } : { ...range, since: "1h" })),
      around(state, utc, (at, width) => take({ ...range, from: times.iso(at - width), to: times.iso(at + width), at: times.iso(at) })),
      h("p", { class: "zone" }, "Times are in ", h("button", { type: "button", class: "quiet", text: utc ? "UTC" : times.whole(times.iso(Date.now()), false).split(" ").at(-1), "aria-pressed": String(utc), title: "Switch between your own zone and UTC", on: { click: () => take({ tz: utc ? "" : "utc" }) } })));
  }, { label: "Time range", kind: "times" });
}

function ownAge(state, take) {
  const input = h("input", { size: "6", placeholder: "90m", "aria-label": "Another age, like 90m or 3d", ".value": AGES.includes(state.since) ? "" : state.since });
  return h("form", { class: "own-age", on: { submit: (event) => {
    event.preventDefault();
    const text = input.value.trim();
    input.setCustomValidity(Number.isNaN(times.age(text)) ? "Write it like 90m, 36h or 3d" : "");
    if (input.reportValidity()) take(text);
  }, input: () => input.setCustomValidity("") } }, input);
}

function absolute(state, utc, take) {
  const now = Date.now();
  const shown = (text) => (times.isExact(text) ? times.forInput(times.ms(text), utc) : text);
  const line = (name, value) => {
    const words = h("input", { class: "time-words", ".value": shown(value), placeholder: name === "From" ? "yesterday, now-2h, 2026-08-01T10:00" : "now", "aria-label": `${name} this time` });
    const calendar = h("input", { type: "datetime-local", step: "1", class: "calendar", "aria-label": `${name}: choose from a calendar`, max: times.forInput(now + times.UNITS.d, utc), on: { input: () => (words.value = calendar.value) } });
    return [words, h("label", {}, h("span", { text: name }), words), calendar];
  };
  const [from, fromLabel, fromCalendar] = line("From", state.from);
  const [to, toLabel, toCalendar] = line("To", state.to);
  // A date of the calendar becomes a moment; everything else is for the server to read, in the reader's zone.
  const read = (input) => (/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(input.value.trim()) ? times.iso(times.ofInput(input.value.trim(), utc)) : input.value.trim());
  return h("form", { class: "absolute", on: { submit: (event) => {
    event.preventDefault();
    take(read(from), read(to));
  } } }, h("h2", { text: "From and to" }), h("div", { class: "time-line" }, fromLabel, fromCalendar), h("div", { class: "time-line" }, toLabel, toCalendar), h("button", { type: "submit", text: "Show this range" }));
}

function around(state, utc, take) {
  const at = h("input", { type: "datetime-local", step: "1", required: true, "aria-label": "The moment", ".value": times.forInput(state.at ? times.ms(state.at) : Date.now(), utc) });
  const width = h("select", { "aria-label": "How much before and after" }, AROUND.map((each) => h("option", { value: each, text: `± ${each}`, selected: each === "5m" })));
  return h("form", { class: "around", on: { submit: (event) => {
    event.preventDefault();
    take(times.ofInput(at.value, utc), times.age(width.value));
  } } }, h("h2", { text: "Around a moment" }), h("div", { class: "time-line" }, at, width, h("button", { type: "submit", text: "Go" })));
}
