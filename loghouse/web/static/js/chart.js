// A table as a drawing: lines over time, or bars for keys.

import { h, svg } from "./dom.js";
import { numberText } from "./table.js";
import { asText } from "./records.js";
import { plain } from "./text.js";
import * as times from "./times.js";

const [HEIGHT, LEFT, RIGHT, BOTTOM, TOP] = [240, 64, 24, 22, 10];
const NARROWEST = 300;
const TICK_WIDTH = 110;
const MOST_SERIES = 12;
const MOST_BARS = 30;

/** The drawing of a table, `width` pixels wide; null when there is no number in it. */
export function chart(answer, utc, width) {
  const figures = places(answer, "number");
  const time = places(answer, "time")[0];
  if (!figures.length || !answer.rows.length) return null;
  return time === undefined ? bars(answer, figures[0]) : lines(answer, time, figures, utc, Math.max(NARROWEST, width));
}

const places = (answer, kind) => answer.columns.flatMap((column, place) => (column.kind === kind ? [place] : []));

// One series for each combination of keys, or for each figure when there are no keys.
function seriesOf(answer, time, figures) {
  const keys = answer.columns.map((_, place) => place).filter((place) => place !== time && !figures.includes(place));
  const series = new Map();
  const add = (name, at, value) => {
    if (typeof value !== "number") return;
    if (!series.has(name)) series.set(name, []);
    series.get(name).push([at, value]);
  };
  for (const row of answer.rows) {
    if (row[time] === null) continue;
    const at = times.ms(row[time]);
    const name = keys.map((place) => plain(asText(row[place])) || "(empty)").join(" · ");
    if (keys.length) add(name, at, row[figures[0]]);
    else for (const place of figures) add(plain(answer.columns[place].name), at, row[place]);
  }
  const total = ([, points]) => points.reduce((all, [, value]) => all + Math.abs(value), 0);
  return [...series].sort((a, b) => total(b) - total(a));
}

function lines(answer, time, figures, utc, width) {
  const all = seriesOf(answer, time, figures);
  const shown = all.slice(0, MOST_SERIES);
  const points = shown.flatMap(([, each]) => each);
  if (!points.length) return null;
  const [first, last] = [Math.min(...points.map(([at]) => at)), Math.max(...points.map(([at]) => at))];
  const scale = axis(Math.min(0, ...points.map(([, value]) => value)), Math.max(0, ...points.map(([, value]) => value)));
  const x = (at) => LEFT + (last === first ? 0.5 : (at - first) / (last - first)) * (width - LEFT - RIGHT);
  const drawing = frame(scale, `Lines over time: ${shown.map(([name]) => name).join(", ")}`, width);
  shown.forEach(([name, each], place) => {
    each.sort(([a], [b]) => a - b);
    const path = each.map(([at, value], step) => `${step ? "L" : "M"}${x(at).toFixed(1)} ${scale.y(value).toFixed(1)}`).join("");
    drawing.append(svg("path", { class: `series series-${place}`, d: path }, svg("title", { text: name })));
    if (each.length <= 120) drawing.append(...each.map(([at, value]) => svg("circle", { class: `dot series-${place}`, cx: x(at), cy: scale.y(value), r: 2.5 },
      svg("title", { text: `${name}\n${times.moment(at, utc)}: ${numberText(value)}` }))));
  });
  const { step, found } = times.ticks(first, last, Math.floor(width / TICK_WIDTH), utc);
  for (const at of last === first ? [first] : found) {
    drawing.append(svg("text", { class: "label", x: x(at), y: HEIGHT - 6, "text-anchor": "middle", text: times.tickText(at, step, utc) }));
  }
  return h("figure", { class: "chart" }, drawing, legend(shown, all.length));
}

function bars(answer, figure) {
  const keys = answer.columns.map((_, place) => place).filter((place) => answer.columns[place].kind !== "number");
  const rows = answer.rows.filter((row) => typeof row[figure] === "number").slice(0, MOST_BARS);
  if (!rows.length) return null;
  const most = Math.max(...rows.map((row) => Math.abs(row[figure])), Number.MIN_VALUE);
  return h("figure", { class: "chart bars" }, h("figcaption", { text: plain(answer.columns[figure].name) }), h("ol", {}, rows.map((row) => {
    const bar = h("span", { class: "bar" });
    bar.style.width = `${(Math.abs(row[figure]) / most) * 100}%`;
    const name = keys.map((place) => plain(asText(row[place])) || "(empty)").join(" · ") || plain(answer.columns[figure].name);
    return h("li", {}, h("span", { class: "bar-name", text: name, title: name }), h("span", { class: "bar-holder" }, bar), h("span", { class: "number", text: numberText(row[figure]) }));
  })));
}

function legend(shown, count) {
  if (count <= 1) return h("figcaption", { text: shown[0][0] });
  return h("figcaption", {}, shown.map(([name], place) => h("span", { class: "legend" }, h("i", { class: `series-${place}` }), name)),
    count > shown.length ? h("span", { class: "note", text: `and ${count - shown.length} more` }) : null);
}

function frame(scale, label, width) {
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label });
  for (const value of scale.ticks) {
    drawing.append(svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: scale.y(value), y2: scale.y(value) }),
      svg("text", { class: "label", x: LEFT - 8, y: scale.y(value) + 4, "text-anchor": "end", text: value.toLocaleString("en", { notation: "compact", maximumSignificantDigits: 4 }) }));
  }
  return drawing;
}

// Round ticks around all values, and where a value stands.
function axis(low, high) {
  const raw = (high - low || 1) / 4;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((each) => each * size >= raw) * size;
  const [bottom, top] = [Math.floor(low / step) * step, Math.ceil(high / step) * step || step];
  const ticks = [];
  for (let place = 0; bottom + place * step <= top + step / 2; place += 1) ticks.push(bottom + place * step);
  return { ticks, y: (value) => TOP + (1 - (value - bottom) / (top - bottom)) * (HEIGHT - BOTTOM - TOP) };
}
