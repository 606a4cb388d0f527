// The page: its parts, and how a change of what is shown reaches them.

import { bindings } from "./bindings.js";
import { drawHead, widths } from "./columns.js";
import { Context } from "./context.js";
import { fillDetail } from "./detail.js";
import { askName } from "./dialogs.js";
import { byId, fill, h } from "./dom.js";
import { Fields, shownFields } from "./fields.js";
import { Histogram } from "./histogram.js";
import { listen } from "./keys.js";
import { foundWords, makesTable } from "./language.js";
import { whoami } from "./login.js";
import { complain } from "./notices.js";
import { Patterns } from "./patterns.js";
import { QueryBar } from "./querybar.js";
import { narrowed } from "./refine.js";
import { Rows } from "./rows.js";
import { Saved } from "./saved.js";
import { Search } from "./search.js";
import * as state from "./state.js";
import { showTable } from "./table.js";
import { address } from "./state.js";
import * as times from "./times.js";
import { Toolbar } from "./toolbar.js";

const AROUND = 15 * times.UNITS.m;
// What has to be asked anew when it changes, and what only looks otherwise.
const QUESTION = ["q", "since", "from", "to", "ns", "view", "at", "live"];
const LOOK = ["cols", "wrap", "tz"];

const actions = {
  /** Narrow the query; `more` are other changes of what is shown. */
  filter(term, more = {}) {
    state.set({ q: narrowed(bar.text, bar.text === state.get().q ? search.answer?.canonical : "", term), open: "", ...more });
  },
  toggleColumn(key) {
    const { cols } = state.get();
    state.set({ cols: cols.includes(key) ? cols.filter((each) => each !== key) : [...cols, key] });
  },
  toggleFields: () => shownFields(byId("fields").hidden),
  context: (record, across, field) => context.show(record, across, field),
  around: (record) => state.set(moment(record)),
  lineLink: (record) => new URL(address({ ...state.get(), ...moment(record), q: state.get().q, open: record.id }), location.href).href,
  zoom: (from, to) => state.set({ since: "", from: times.iso(Math.floor(from)), to: times.iso(Math.ceil(to)), at: "", open: "" }),
};

function moment(record) {
  const at = times.ms(record.timestamp);
  return { since: "", from: times.iso(at - AROUND), to: times.iso(at + AROUND), at: record.timestamp, q: "", open: record.id, tab: "", view: "lines" };
}

const show = {
  busy(yes) {
    document.body.classList.toggle("busy", yes);
    byId("lines").setAttribute("aria-busy", String(yes));
  },
  lines(answer) {
    only("lines");
    const given = state.get();
    rows.following = !given.at;
    toolbar.atEnd(rows.following);
    rows.reset(look());
    if (given.at) seek(given);
    drawEnds(answer);
    bar.showError(answer.hint && answer.place ? { message: answer.hint, place: answer.place } : null, "hint");
  },
  table(answer) {
    only("table");
    showTable(byId("table"), answer, state.get(), (shape) => state.set({ shape }));
    toolbar.count("");
  },
  async patterns(given, signal) {
    only("patterns");
    return patterns.load(given, signal);
  },
  ready(answer) {
    for (const notice of answer?.notices ?? []) bar.showError({ message: notice.message, place: notice }, "hint");
    saved.draw();
  },
  error(error) {
    if (error.place) bar.showError(error);
    else complain(error);
  },
  counted: (text) => toolbar.count(text),
  waiting: (count, more) => toolbar.waiting(count, more),
  live: (name) => toolbar.live(name),
  prepended(count) {
    rows.prepended(count);
    drawEnds();
  },
  appended(count, live) {
    if (live && rows.records.rows.length === count) rows.reset(look());
    else rows.appended(count, live);
    drawEnds();
  },
  dropped: (count) => rows.dropped(count),
  cut: (count) => rows.cut(count),
};

const histogram = new Histogram(byId("histogram"), { zoom: actions.zoom });
const fields = new Fields(byId("fields"), actions, state.get);
const search = new Search(show, { histogram, fields });
const patterns = new Patterns(byId("patterns"), actions);
const rows = new Rows(byId("rows"), search.records, {
  older: () => search.older(),
  newer: () => search.newer(),
  follow(yes) {
    if (yes) search.tail.resume();
    else search.tail.pause();
    toolbar.atEnd(yes);
  },
  expanded: (id) => state.set({ open: id }, { replace: true }),
  detail: (record, holder) => fillDetail(holder, record, actions, state.get),
});
const context = new Context(actions, state.get);
const bar = new QueryBar({
  run(text) {
    if (text === state.get().q) search.run(state.get());
    else state.set({ q: text, open: "", at: "", ...(makesTable(text) ? { view: "lines" } : {}) });
  },
  namespaces: () => state.get().ns,
});
const saved = new Saved(byId("tabs"), askName);
const toolbar = new Toolbar({ search, rows, saved, actions, bar });

function look() {
  const given = state.get();
  const { rows: records } = search.records;
  const utc = given.tz === "utc";
  const today = times.day(Date.now(), utc);
  const withDay = records.length > 0 && (times.day(times.ms(records[0].timestamp), utc) !== today || times.day(times.ms(records.at(-1).timestamp), utc) !== today);
  const withNamespace = given.ns.length !== 1 || given.ns[0].includes("*");
  drawHead(byId("head"), given.cols, (cols) => state.set({ cols }));
  byId("lines").style.setProperty("--columns", widths(given.cols, records, { withDay, withNamespace }));
  byId("lines").classList.toggle("wrap", given.wrap === "on");
  return { cols: given.cols, wrap: given.wrap === "on" || narrow.matches, utc, marks: foundWords(given.q), withDay, withNamespace };
}

// Go to the moment of the address, and open the line that it names.
function seek(given) {
  const { rows: records, moment: place = 0 } = search.records;
  if (!records.length) return;
  const open = records.findIndex((record) => record.id === given.open);
  const target = open >= 0 ? open : Math.min(place, records.length - 1);
  rows.activate(target, { reveal: false });
  if (open >= 0) rows.toggle(open, true);
  rows.reveal(target, "center");
}

// What stands above the first and below the last line.
function drawEnds(answer = search.answer) {
  const { records } = search;
  const empty = byId("empty");
  empty.hidden = records.rows.length > 0;
  byId("rows").classList.toggle("at-start", !records.older);
  if (records.rows.length || !answer) return;
  const further = { "5m": "1h", "15m": "3h", "30m": "3h", "1h": "24h", "3h": "24h", "6h": "2d", "12h": "7d", "24h": "7d" }[state.get().since] ?? "30d";
  const wider = h("button", { type: "button", text: `Search the ${times.rangeInWords({ since: further }).toLowerCase()}`, on: { click: () => state.set({ since: further, from: "", to: "", at: "" }) } });
  const older = answer.older && h("button", { type: "button", class: "primary", text: `Go to the newest, ${times.ago(times.ms(answer.older))}`, on: { click: () => {
    const at = times.ms(answer.older);
    state.set({ since: "", from: times.iso(at - AROUND), to: times.iso(at + 1000), at: "" });
  } } });
  fill(empty, h("p", { text: answer.hint === "nothing found" || !answer.hint ? "No lines found" : sentence(answer.hint) }), h("p", { class: "buttons" }, older, wider));
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function only(name) {
  for (const each of ["lines", "patterns", "table"]) byId(each).hidden = each !== name;
}

state.watch((given, changed) => {
  toolbar.draw();
  saved.draw();
  if (changed.has("q")) bar.text = given.q;
  if (QUESTION.some((name) => changed.has(name))) search.run(given);
  else if (changed.has("shape") && search.answer?.kind === "table") show.table(search.answer);
  else if (LOOK.some((name) => changed.has(name)) && !byId("lines").hidden) rows.restyle(look());
  if (changed.has("cols")) fields.refresh();
  if (changed.has("tz") && !QUESTION.some((name) => changed.has(name))) search.run(given);
});

const narrow = matchMedia("(max-width: 700px)");
narrow.addEventListener("change", () => rows.restyle(look()));
document.addEventListener("selectionchange", () => {
  const selected = getSelection();
  if (rows.following && !selected.isCollapsed && byId("rows").contains(selected.anchorNode)) rows.follow(false);
});

bar.text = state.get().q;
shownFields();
toolbar.draw();
look();
listen(bindings({ rows, search, saved, toolbar, bar, actions, context }));
// The lines first: what else is asked meanwhile would have them wait.
const answered = search.run(state.get());
whoami().then(async (person) => {
  await answered;
  if (person) saved.load();
});
