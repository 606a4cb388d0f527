// Which key does what.

import { showHelp } from "./dialogs.js";
import { byId } from "./dom.js";
import { requestIds } from "./detail.js";
import { copy } from "./notices.js";
import * as state from "./state.js";

/** The keys of the page: `{keys, name, group, action, rows}`; `rows` are for the list of lines. */
export function bindings({ rows, search, saved, toolbar, bar, actions, context }) {
  const current = () => search.records.rows[rows.active];
  const onLine = (act) => () => {
    const record = current();
    if (record) act(record);
  };
  const move = (by) => () => rows.activate(rows.active < 0 ? (by < 0 ? search.records.rows.length - 1 : Math.max(0, rows.firstVisible)) : rows.active + by);
  const page = () => Math.max(1, Math.floor(byId("rows").clientHeight / rows.measure.lineHeight) - 2);
  const all = [
    { group: "Query", keys: ["/"], name: "write the query", action: () => bar.focus() },
    { group: "Query", keys: ["t"], name: "time range", action: () => toolbar.time() },
    { group: "Query", keys: ["n"], name: "namespaces", action: () => toolbar.namespaces() },
    { group: "Query", keys: ["s"], name: "save as a tab", action: () => saved.save() },
    { group: "Query", keys: ["["], name: "tab before", action: () => saved.step(-1) },
    { group: "Query", keys: ["]"], name: "tab after", action: () => saved.step(1) },
    { group: "Query", keys: ["r"], name: "search again", action: () => search.run(state.get()) },
    { group: "Lines", keys: ["j", "ArrowDown"], rows: true, name: "next line", action: move(1) },
    { group: "Lines", keys: ["k", "ArrowUp"], rows: true, name: "line before", action: move(-1) },
    { group: "Lines", keys: ["PageDown"], rows: true, name: "page down", action: () => move(page())() },
    { group: "Lines", keys: ["PageUp"], rows: true, name: "page up", action: () => move(-page())() },
    { group: "Lines", keys: ["g", "Home"], rows: true, name: "first loaded line", action: () => rows.activate(0) },
    { group: "Lines", keys: ["G", "End"], rows: true, name: "newest line, follow", action: () => toolbar.toEnd() },
    { group: "Lines", keys: ["Enter", "o"], rows: true, name: "open or close the line", action: () => rows.toggle(rows.active) },
    { group: "Lines", keys: ["c"], name: "context: same stream", action: onLine((record) => context.show(record)) },
    { group: "Lines", keys: ["x"], name: "context: same request", action: onLine((record) => requestIds(record).slice(0, 1).forEach((key) => context.show(record, "field", key))) },
    { group: "Lines", keys: ["a"], name: "around this moment", action: onLine((record) => actions.around(record)) },
    { group: "Lines", keys: ["y"], name: "copy the line", action: onLine((record) => copy(record.raw ?? record.message, "Line")) },
    { group: "View", keys: ["l"], name: "live or paused", action: () => toolbar.toggleLive() },
    { group: "View", keys: ["p"], name: "patterns or lines", action: () => state.set({ view: state.get().view === "patterns" ? "lines" : "patterns" }) },
    { group: "View", keys: ["f"], name: "field panel", action: () => actions.toggleFields() },
    { group: "View", keys: ["w"], name: "wrap lines", action: () => toolbar.toggleWrap() },
    { group: "View", keys: ["z"], name: "zoom out", action: () => toolbar.zoomOut() },
    { group: "View", keys: ["ArrowLeft", ","], rows: true, name: "earlier", action: () => toolbar.shift(-1) },
    { group: "View", keys: ["ArrowRight", "."], rows: true, name: "later", action: () => toolbar.shift(1) },
    { group: "View", keys: ["d"], name: "light or dark", action: () => toolbar.theme() },
    { group: "View", keys: ["m"], name: "download, copy, ...", action: () => toolbar.more() },
    { group: "View", keys: ["?"], name: "this help", action: () => showHelp(all) },
  ];
  byId("help-button").addEventListener("click", () => showHelp(all));
  return all;
}
