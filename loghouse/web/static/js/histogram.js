// How many lines there are over time, by level. A stretch that is drawn with the pointer, or with the keyboard, is
// zoomed into.

import { h, svg, fill } from "./dom.js";
import * as times from "./times.js";

// From the axis up: what is worst stands where it can be compared.
const LEVELS = ["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug", "trace", "unknown"];
const HEIGHT = 64;
const SMALLEST_DRAG = 4; // pixels

export class Histogram {
  /** `on.zoom(fromMs, toMs)` when a stretch is chosen. */
  constructor(holder, on) {
    this.holder = holder;
    this.on = on;
    this.data = null;
    this.cursor = -1;
    this.from = -1;
    this.plot = svg("svg", { class: "plot", preserveAspectRatio: "none", height: HEIGHT, "aria-hidden": "true" });
    this.brush = h("div", { class: "brush", hidden: true });
    this.mark = h("div", { class: "moment", hidden: true });
    this.tip = h("div", { class: "tip", hidden: true });
    this.axis = h("div", { class: "axis", "aria-hidden": "true" });
    this.said = h("div", { class: "said", role: "status" });
    this.most = h("div", { class: "most", "aria-hidden": "true" });
    this.area = h("div", {
      class: "area",
      tabindex: "0",
      role: "group",
      "aria-label": "Lines over time. Left and right choose a moment, with Shift a stretch, Enter zooms into it",
      on: {
        pointerdown: (event) => this.#begin(event),
        pointermove: (event) => this.#move(event),
        pointerup: (event) => this.#end(event),
        pointercancel: () => this.#cancel(),
        pointerleave: () => (this.tip.hidden = true),
        keydown: (event) => this.#key(event),
        blur: () => this.#cancel(),
      },
    }, this.plot, this.mark, this.brush, this.most);
    fill(holder, this.area, this.axis, this.tip, this.said);
    new ResizeObserver(() => this.data && this.#drawAxis()).observe(holder);
  }

  /** Draw an answer of `/hist`; `moment` is a time to point at. */
  show(answer, { utc, moment }) {
    const starts = answer.starts_ns.map(times.msOfNs);
    const step = times.msOfNs(answer.step_ns);
    const [begin, end] = [times.msOfNs(answer.from_ns), times.msOfNs(answer.to_ns)];
    const series = LEVELS.map((name) => answer.series.find((each) => each.name === name)).filter(Boolean);
    const others = answer.series.filter((each) => !LEVELS.includes(each.name));
    this.data = { starts, step, begin, end, series: [...series, ...others], utc, total: answer.total };
    this.cursor = -1;
    this.#draw();
    this.#drawAxis();
    const at = moment ? (times.ms(moment) - begin) / (end - begin) : -1;
    this.mark.hidden = !(at >= 0 && at <= 1);
    this.mark.style.left = `${at * 100}%`;
    this.wait(false);
    if (!this.tip.hidden) this.#showTip(this.pointed);
  }

  /** Whether what is drawn is of another question. */
  wait(yes) {
    this.holder.classList.toggle("waiting", yes);
  }

  #draw() {
    const { starts, step, begin, end, series } = this.data;
    const width = end - begin || 1;
    const sums = starts.map((_, place) => series.reduce((all, each) => all + each.counts[place], 0));
    const most = Math.max(1, ...sums);
    this.plot.setAttribute("viewBox", `0 0 1000 ${HEIGHT}`);
    const bars = [];
    starts.forEach((start, place) => {
      let bottom = HEIGHT;
      const left = (Math.max(start, begin) - begin) / width;
      const right = (Math.min(start + step, end) - begin) / width;
      for (const { name, counts } of series) {
        if (!counts[place]) continue;
        const height = Math.max((counts[place] / most) * (HEIGHT - 6), 1);
        bottom -= height;
        bars.push(svg("rect", { class: `bar bar-${name}`, x: left * 1000, y: bottom, width: Math.max((right - left) * 1000 - 1, 0.6), height }));
      }
    });
    this.plot.replaceChildren(...bars);
    this.most.textContent = most > 1 ? most.toLocaleString("en") : "";
    this.area.setAttribute("aria-description", `${this.data.total.toLocaleString("en")} lines from ${times.moment(begin, this.data.utc)} to ${times.moment(end, this.data.utc)}`);
  }

  #drawAxis() {
    const { begin, end, utc } = this.data;
    const { step, found } = times.ticks(begin, end, Math.max(2, Math.floor(this.holder.clientWidth / 110)), utc);
    const ticks = found.filter((at) => (at - begin) / (end - begin) < 0.97).map((at) => {
      const tick = h("span", { text: times.tickText(at, step, utc) });
      tick.style.left = `${((at - begin) / (end - begin)) * 100}%`;
      return tick;
    });
    fill(this.axis, ticks);
  }

  #time(event) {
    const { left, width } = this.area.getBoundingClientRect();
    const share = Math.max(0, Math.min(1, (event.clientX - left) / width));
    return this.data.begin + share * (this.data.end - this.data.begin);
  }

  #begin(event) {
    if (!this.data || event.button !== 0) return;
    this.area.setPointerCapture(event.pointerId);
    this.drag = { x: event.clientX, from: this.#time(event) };
  }

  #move(event) {
    if (!this.data) return;
    const at = this.#time(event);
    if (this.drag && Math.abs(event.clientX - this.drag.x) >= SMALLEST_DRAG) this.#showBrush(this.drag.from, at);
    this.#showTip(event);
  }

  #end(event) {
    if (!this.drag) return;
    const { x, from } = this.drag;
    this.drag = null;
    const at = this.#time(event);
    this.#cancel();
    if (Math.abs(event.clientX - x) >= SMALLEST_DRAG) this.on.zoom(Math.min(from, at), Math.max(from, at));
    else if (event.pointerType === "mouse") this.#zoomBar(this.#place(at));
  }

  #cancel() {
    this.drag = null;
    this.brush.hidden = true;
    this.cursor = -1;
  }

  #showBrush(from, to) {
    const { begin, end } = this.data;
    const share = (at) => ((Math.max(begin, Math.min(end, at)) - begin) / (end - begin)) * 100;
    this.brush.hidden = false;
    this.brush.style.left = `${share(Math.min(from, to))}%`;
    this.brush.style.width = `${share(Math.max(from, to)) - share(Math.min(from, to))}%`;
  }

  #place(at) {
    return this.data.starts.findIndex((start) => at >= start && at < start + this.data.step);
  }

  #zoomBar(place) {
    if (place >= 0) this.on.zoom(this.data.starts[place], this.data.starts[place] + this.data.step);
  }

  #words(place) {
    const { starts, step, series, utc } = this.data;
    const counts = series.filter(({ counts: all }) => all[place]).map(({ name, counts: all }) => [name, all[place]]);
    const span = `${times.moment(starts[place], utc)} – ${times.clock(starts[place] + step, utc).slice(0, step < 60_000 ? 8 : 5)}`;
    return { span, counts: counts.reverse() };
  }

  #showTip(event) {
    this.pointed = event;
    const place = this.#place(this.#time(event));
    this.tip.hidden = place < 0;
    if (place < 0) return;
    const { span, counts } = this.#words(place);
    fill(this.tip, h("b", { text: span }), counts.map(([name, count]) =>
      h("span", { class: `tip-row level-${name}` }, h("i"), h("span", { text: name }), h("span", { class: "number", text: count.toLocaleString("en") }))));
    if (!counts.length) this.tip.append(h("span", { text: "no lines" }));
    const { left, width } = this.holder.getBoundingClientRect();
    this.tip.style.left = `${Math.min(Math.max(0, event.clientX - left + 12), width - this.tip.offsetWidth - 4)}px`;
  }

  #key(event) {
    if (!this.data?.starts.length) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      event.preventDefault();
      const last = this.data.starts.length - 1;
      const before = this.cursor < 0 ? (step > 0 ? -1 : last + 1) : this.cursor;
      if (!event.shiftKey || this.cursor < 0) this.from = Math.max(0, Math.min(last, before + step));
      this.cursor = Math.max(0, Math.min(last, before + step));
      const [low, high] = [Math.min(this.from, this.cursor), Math.max(this.from, this.cursor)];
      this.#showBrush(this.data.starts[low], this.data.starts[high] + this.data.step);
      const { span, counts } = this.#words(this.cursor);
      this.said.textContent = `${span}: ${counts.map(([name, count]) => `${count} ${name}`).join(", ") || "no lines"}`;
    } else if (event.key === "Enter" && this.cursor >= 0) {
      event.preventDefault();
      const [low, high] = [Math.min(this.from, this.cursor), Math.max(this.from, this.cursor)];
      const [from, to] = [this.data.starts[low], this.data.starts[high] + this.data.step];
      this.#cancel();
      this.on.zoom(from, to);
    } else if (event.key === "Escape") this.#cancel();
  }
}
