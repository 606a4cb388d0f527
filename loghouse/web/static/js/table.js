// The table that the stages of a query make: sorted by a click, with a chart above it.

import { chart } from "./chart.js";
import { fill, h } from "./dom.js";
import { asText } from "./records.js";
import { plain, writeLine } from "./text.js";
import * as times from "./times.js";

const STEP = 500; // rows drawn at once
const SHAPES = [["both", "Both"], ["table", "Table"], ["chart", "Chart"]];

/** Show an answer of kind `table`; `choose(shape)` when another shape is wanted. */
export function showTable(holder, answer, state, choose) {
  const drawing = state.shape === "table" ? null : chart(answer, state.tz === "utc", holder.clientWidth);
  const shapes = h("div", { class: "shapes", role: "group", "aria-label": "Show as" }, SHAPES.map(([shape, title]) =>
    h("button", { type: "button", text: title, "aria-pressed": String(state.shape === shape), on: { click: () => choose(shape) } })));
  const said = h("span", { class: "note", text: `${answer.rows.length.toLocaleString("en")} row${answer.rows.length === 1 ? "" : "s"}${answer.more ? ", there are more: download them" : ""}` });
  fill(holder, h("div", { class: "table-head" }, shapes, said), drawing,
    state.shape === "chart" && drawing ? null : table(answer, state.tz === "utc"));
  if (state.shape === "chart" && !drawing) said.append("; no numbers to draw");
}

function table(answer, utc) {
  let order = null; // the column, and whether it falls
  const body = h("tbody");
  const heads = answer.columns.map(({ name, kind }, place) => {
    const head = h("th", { scope: "col", class: kind === "number" ? "number" : "", "aria-sort": "none" },
      h("button", { type: "button", text: plain(name), title: "Sort by this column", on: { click: () => sort(place) } }));
    return head;
  });
  const sort = (place) => {
    const falling = order?.place === place ? !order.falling : answer.columns[place].kind === "number";
    order = { place, falling };
    heads.forEach((head, each) => head.setAttribute("aria-sort", each === place ? (falling ? "descending" : "ascending") : "none"));
    draw();
  };
  const draw = () => {
    const rows = order ? [...answer.rows].sort((a, b) => compared(a[order.place], b[order.place]) * (order.falling ? -1 : 1)) : answer.rows;
    let drawn = 0;
    const more = h("button", { type: "button", class: "quiet", on: { click: () => add() } });
    const add = () => {
      body.append(...rows.slice(drawn, drawn + STEP).map((row) => tableRow(row, answer.columns, utc)));
      drawn += STEP;
      more.textContent = `Show more of ${rows.length.toLocaleString("en")} rows`;
      more.hidden = drawn >= rows.length;
    };
    body.replaceChildren();
    add();
    holder.lastChild.replaceWith(more);
  };
  const holder = h("div", { class: "table-holder", tabindex: "0", role: "region", "aria-label": "Result as a table" },
    h("table", { class: "result" }, h("caption", { class: "said", text: "Result of the query" }), h("thead", {}, h("tr", {}, heads)), body), h("span"));
  draw();
  return holder;
}

function tableRow(row, columns, utc) {
  return h("tr", {}, row.map((value, place) => {
    const { kind } = columns[place];
    if (value === null) return h("td", { class: `dim${kind === "number" ? " number" : ""}`, text: "–" });
    if (kind === "time") return h("td", { class: "time", title: value, text: `${times.day(times.ms(value), utc)} ${times.clock(times.ms(value), utc).replace(/\.000$/, "")}` });
    if (kind === "number") return h("td", { class: "number", title: String(value), text: numberText(value) });
    const cell = h("td", {});
    writeLine(cell, asText(value).slice(0, 2000));
    return cell;
  }));
}

/** A number with separators and at most six digits behind the point. */
export const numberText = (value) => (typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: Math.abs(value) < 1 ? 6 : 3 }) : asText(value));

function compared(a, b) {
  if (a === null || b === null) return (a === null ? -1 : 0) + (b === null ? 1 : 0);
  if (typeof a === "number" && typeof b === "number") return a - b;
  return asText(a).localeCompare(asText(b), "en", { numeric: true });
}
