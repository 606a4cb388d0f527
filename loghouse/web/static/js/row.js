// One line: its time, level, source, chosen columns and message.

import { h } from "./dom.js";
import { asText, valueOf } from "./records.js";
import { plain, writeLine, writeText } from "./text.js";
import * as times from "./times.js";

const SHORT = { unknown: "", trace: "trc", debug: "dbg", info: "info", notice: "note", warning: "warn", error: "err", critical: "crit", alert: "alrt", emergency: "emrg" };
const LATE = 10_000; // milliseconds after which a line of the tail counts as late
const HUES = 8;
const MOST_EXTRAS = 12;
const EXTRA_LENGTH = 80;
// What a message mostly says already.
const DULL = new Set("message msg log level level_name severity lvl time timestamp datetime @timestamp ts".split(" "));

/** How lines are shown: `{cols, wrap, utc, marks, withDay, withNamespace}`. */
export function row(record, shown, { index, expanded, late }) {
  const at = times.ms(record.timestamp);
  const element = h("div", {
    role: "row",
    class: `row level-${record.level}${expanded ? " expanded" : ""}`,
    id: `row-${record.id}`,
    "data-id": record.id,
    "aria-rowindex": index + 2, // the head is the first
    "aria-expanded": String(expanded),
  });
  element.append(
    h("span", { role: "gridcell", class: "time", title: times.whole(record.timestamp, shown.utc) },
      shown.withDay ? h("span", { class: "day", text: `${times.day(at, shown.utc)} ` }) : null,
      times.clock(at, shown.utc),
      late ? h("span", { class: "late", text: " late", title: "Stored later than the lines around it" }) : null),
    h("span", { role: "gridcell", class: "level", text: SHORT[record.level] ?? "", title: record.level }),
    source(record, shown),
    ...shown.cols.map((key) => cell(record, key, shown)),
  );
  element.append(message(record, shown));
  return element;
}

function source(record, shown) {
  const holder = h("span", { role: "gridcell", class: `source hue-${hue(record.pod)}`, title: plain(`${record.namespace} / ${record.pod} / ${record.container}`) });
  if (shown.withNamespace && record.namespace) holder.append(h("span", { class: "ns", text: `${plain(record.namespace)}/` }));
  holder.append(plain(record.pod || record.node || record.source_id));
  if (record.container && !record.pod.startsWith(record.container)) holder.append(h("span", { class: "container", text: ` ${plain(record.container)}` }));
  return holder;
}

function cell(record, key, shown) {
  const value = valueOf(record, key);
  const text = asText(value);
  const holder = h("span", { role: "gridcell", class: `cell${typeof value === "number" ? " number" : ""}`, title: plain(text.slice(0, 500)) });
  writeLine(holder, text.slice(0, 1000), shown.marks);
  return holder;
}

function message(record, shown) {
  const holder = h("span", { role: "gridcell", class: "message" });
  const text = record.message || record.raw || "";
  const level = h("span", { class: "text" });
  if (shown.wrap) writeText(level, text, shown.marks);
  else writeLine(level, text.slice(0, 2000), shown.marks);
  holder.append(level);
  if (!shown.cols.length && record.format !== "text" && record.raw !== undefined) holder.append(extras(record));
  return holder;
}

// Fields that the message does not hold, dim, as in a terminal.
function extras(record) {
  const holder = h("span", { class: "extras" });
  let count = 0;
  for (const [name, value] of Object.entries(record.fields)) {
    if (DULL.has(name) || value === "" || value === null) continue;
    if ((count += 1) > MOST_EXTRAS) break;
    holder.append(" ", h("span", { class: "extra-name", text: `${plain(name)}=` }), plain(asText(value).slice(0, EXTRA_LENGTH)).replace(/\s+/g, " "));
  }
  return holder;
}

/** A number that stays the same for a name, so that a pod keeps its colour. */
function hue(name) {
  let found = 0;
  for (let place = 0; place < name.length; place += 1) found = (found * 31 + name.charCodeAt(place)) >>> 0;
  return found % HUES;
}

/** Whether a line of the tail is much older than the one before it. */
export const isLate = (record, before) => before !== undefined && times.ms(before.timestamp) - times.ms(record.timestamp) > LATE;
