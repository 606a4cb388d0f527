// An expanded line: every field with its type, the JSON, the line as it was written, and what can be done with it.

import { ask, written } from "./api.js";
import { fill, h, icon, iconButton } from "./dom.js";
import { complain, copy } from "./notices.js";
import { asText, kindOf, valueOf } from "./records.js";
import { condition, fieldKey, labelKey } from "./refine.js";
import { plain, writeText } from "./text.js";
import * as times from "./times.js";

const COLUMNS = ["timestamp", "level", "namespace", "workload", "pod", "container", "node", "stream", "format"];
const MOST_ROWS = 300;
// Names under which programs write what ties lines of one request together.
const REQUEST_IDS = /(^|[._-])(request|req|trace|correlation|transaction|session|message)[._-]?id$|^x-request-id$/i;
const TABS = [["fields", "Fields"], ["json", "JSON"], ["raw", "As written"]];

/** Fill the detail of `record`; `actions` are those of the page. */
export function fillDetail(holder, record, actions, state) {
  let whole = record;
  let tab = "fields";
  const body = h("div", { class: "detail-body", role: "tabpanel" });
  const tabs = h("div", { role: "tablist", class: "detail-tabs", "aria-label": "This line as" });
  const show = (name) => {
    tab = name;
    fill(tabs, TABS.map(([each, title]) => h("button", {
      type: "button", role: "tab", "aria-selected": String(each === tab), tabindex: each === tab ? "0" : "-1", text: title,
      on: { click: () => { show(each); tabs.querySelector("[aria-selected=true]").focus(); }, keydown: (event) => turn(event, tab, show, tabs) },
    })));
    fill(body, tab === "fields" ? fieldTable(whole, actions, state) : tab === "json" ? json(whole) : asWritten(whole));
  };
  fill(holder, h("div", { class: "detail-head" }, tabs, tools(record, actions, () => whole)), body);
  show("fields");
  if (!record.cut) return;
  ask("record", { id: record.id }).then((answer) => {
    whole = answer;
    show(tab);
  }, complain);
}

function turn(event, tab, show, tabs) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  const names = TABS.map(([name]) => name);
  show(names[(names.indexOf(tab) + step + names.length) % names.length]);
  tabs.querySelector("[aria-selected=true]").focus();
}

function tools(record, actions, whole) {
  const button = (name, text, listener, label = text) => h("button", { type: "button", class: "tool", "aria-label": label, title: label, on: { click: listener } }, icon(name), h("span", { text }));
  const ids = requestIds(record);
  return h("div", { class: "detail-tools", role: "group", "aria-label": "This line" },
    h("span", { class: "tool-group", role: "group", "aria-label": "Lines around it" }, icon("context"),
      ...[["stream", "stream"], ["pod", "pod"], ["node", "node"]].map(([across, text]) =>
        h("button", { type: "button", class: "tool", text, title: `The lines before and after it of the same ${text}`, "aria-label": `Context: same ${text}`, on: { click: () => actions.context(record, across) } })),
      ...ids.map((key) => h("button", { type: "button", class: "tool", text: plain(key), title: `All lines with the same ${plain(key)}`, "aria-label": `Context: same ${plain(key)}`, on: { click: () => actions.context(record, "field", key) } }))),
    button("target", "around", () => actions.around(record), "Everything around this moment"),
    button("copy", "line", () => copy(whole().raw ?? whole().message, "Line"), "Copy the line as it was written"),
    button("copy", "JSON", () => copy(written(whole()), "JSON"), "Copy the line as JSON"),
    button("link", "link", () => copy(actions.lineLink(record), "Link"), "Copy a link to this line"));
}

/** The keys of a record under which other lines of the same request may be found. */
export function requestIds(record) {
  return Object.entries(record.fields).filter(([name, value]) => REQUEST_IDS.test(name) && value !== "" && value !== null && typeof value !== "object")
    .map(([name]) => fieldKey(name)).filter(Boolean).slice(0, 3);
}

function fieldTable(record, actions, state) {
  const rows = [
    ...COLUMNS.filter((name) => record[name]).map((name) => [name, name, name === "timestamp" ? times.whole(record.timestamp, state().tz === "utc") : record[name], "column"]),
    ...Object.entries(record.labels).map(([name, value]) => [`~${name}`, labelKey(name), value, "label"]),
    ...Object.entries(record.fields).map(([name, value]) => [name, fieldKey(name), value, kindOf(value)]),
  ];
  if (record.parse_error) rows.push(["parse_error", null, record.parse_error, "column"]);
  const table = h("table", { class: "field-table" }, h("caption", { class: "said", text: "Fields of this line" }), h("tbody", {}, rows.slice(0, MOST_ROWS).map((each) => fieldRow(each, actions, state))));
  if (rows.length <= MOST_ROWS) return table;
  const more = h("button", { type: "button", class: "quiet", text: `Show ${rows.length - MOST_ROWS} more fields`, on: { click: () => {
    table.lastChild.append(...rows.slice(MOST_ROWS).map((each) => fieldRow(each, actions, state)));
    more.remove();
  } } });
  return h("div", {}, table, more);
}

function fieldRow([name, key, value, kind], actions, state) {
  const shownName = plain(name);
  const isTime = key === "timestamp";
  const cell = h("td", { class: `value value-${kindOf(value)}` });
  writeText(cell, value === "" ? "" : asText(value));
  if (value === "") cell.append(h("span", { class: "dim", text: "empty" }));
  const buttons = h("td", { class: "field-tools" });
  if (key && !isTime) {
    const isColumn = state().cols.includes(key);
    const lists = kindOf(value) === "list";
    if (!lists) buttons.append(
      iconButton("plus", `Only lines with this ${shownName}`, () => actions.filter(condition(key, value))),
      iconButton("minus", `Without this ${shownName}`, () => actions.filter(condition(key, value, true))));
    buttons.append(iconButton("column", isColumn ? `Remove the column ${shownName}` : `Show ${shownName} as a column`, () => actions.toggleColumn(key), { "aria-pressed": String(isColumn) }));
  }
  buttons.append(iconButton("copy", `Copy ${shownName}`, () => copy(asText(value), shownName)));
  return h("tr", {}, h("th", { scope: "row", text: shownName }), h("td", { class: "kind", text: kind }), cell, buttons);
}

function json(record) {
  const { id: _id, cut: _cut, ...columns } = record;
  const pre = h("pre", { class: "json", tabindex: "0", "aria-label": "JSON" });
  for (const part of written(columns).matchAll(/("(?:\\.|[^"\\])*")(\s*:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b|[^"\d\w-]+|./g)) {
    const [text, string, colon, number, word] = part;
    const kind = string ? (colon ? "key" : "string") : number ? "number" : word ? "word" : "";
    const holder = kind ? h("span", { class: `json-${kind}` }) : pre;
    writeText(holder, string && colon ? string : text);
    if (kind) pre.append(holder);
    if (string && colon) pre.append(colon);
  }
  return pre;
}

function asWritten(record) {
  const pre = h("pre", { class: "raw", tabindex: "0", "aria-label": "As written" });
  writeText(pre, valueOf(record, "raw") ?? "");
  return pre;
}
