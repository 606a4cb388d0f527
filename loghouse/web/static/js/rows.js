// The list of lines. Only what can be seen is in the document; rows may have any height, and what is read stays where
// it is when lines come above or below it.

import { h } from "./dom.js";
import { Heights } from "./heights.js";
import { Measure } from "./measure.js";
import { isLate, row } from "./row.js";

const OVERSCAN = 400; // pixels drawn beyond the visible part
const NEAR = 1200; // pixels from an end at which more is asked for
const AT_END = 24;

export class Rows {
  /** `on.older()`, `on.newer()`, `on.follow(yes)`, `on.expanded(id)`, `detail(record, place)` fills an expanded row. */
  constructor(scroller, records, on) {
    this.scroller = scroller;
    this.records = records;
    this.on = on;
    this.heights = new Heights();
    this.drawn = new Map(); // id -> element
    this.expanded = new Map(); // id -> element of the detail
    this.late = new Set();
    this.shown = { cols: [], wrap: false, utc: false, marks: null, withDay: false, withNamespace: true };
    this.active = -1;
    this.following = true;
    this.anchor = null;
    this.expected = -1;
    this.head = scroller.firstElementChild; // stays at the top, above the lines
    this.spacer = h("div", { class: "spacer", role: "rowgroup" });
    this.window = h("div", { class: "window", role: "presentation" });
    this.spacer.append(this.window);
    scroller.append(this.spacer);
    this.measure = new Measure(scroller, this.window);
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.observer = new ResizeObserver(() => this.#resized());
    this.observer.observe(scroller);
    this.details = new ResizeObserver((entries) => this.#detailResized(entries));
    this.window.addEventListener("click", (event) => this.#clicked(event));
  }

  /** Draw everything anew, after the lines were replaced. */
  reset(shown) {
    this.shown = shown;
    this.heights.clear();
    this.expanded.clear();
    this.late.clear();
    this.active = -1;
    this.anchor = null;
    this.measure.renew(this.shown);
    this.heights.append(this.records.rows.map((record) => this.measure.height(record)));
    this.#empty();
    this.draw();
  }

  /** Show the same lines otherwise: other columns, wrapped or not. */
  restyle(shown) {
    const anchor = this.#anchorNow();
    this.shown = shown;
    this.measure.renew(this.shown);
    this.heights.clear();
    this.heights.append(this.records.rows.map((record) => this.measure.height(record)));
    this.#empty();
    this.anchor = anchor;
    this.draw();
  }

  /** Lines were put before the first. */
  prepended(count) {
    if (!count) return;
    const anchor = this.#anchorNow();
    if (anchor) anchor.index += count;
    this.heights.prepend(this.records.rows.slice(0, count).map((record) => this.measure.height(record)));
    if (this.active >= 0) this.active += count;
    this.anchor = anchor;
    this.draw();
  }

  /** Lines were put behind the last; those of the tail may be late. */
  appended(count, live = false) {
    if (!count) return;
    const rows = this.records.rows;
    const first = rows.length - count;
    if (live) for (let place = first; place < rows.length; place += 1) if (isLate(rows[place], rows[place - 1])) this.late.add(rows[place].id);
    this.anchor = this.#anchorNow();
    this.heights.append(rows.slice(first).map((record) => this.measure.height(record)));
    this.draw();
  }

  /** The first lines were forgotten. */
  dropped(count) {
    if (!count) return;
    const anchor = this.#anchorNow();
    if (anchor) anchor.index = Math.max(0, anchor.index - count);
    this.heights.dropFirst(count);
    this.active = Math.max(-1, this.active - count);
    this.anchor = anchor;
    this.draw();
  }

  /** The last lines were forgotten. */
  cut(count) {
    this.anchor = this.#anchorNow();
    this.heights.dropLast(count);
    this.active = Math.min(this.active, this.heights.length - 1);
    this.draw();
  }

  /** Go to the end and stay there while lines come. */
  follow(yes) {
    if (this.following !== yes) {
      this.following = yes;
      this.on.follow(yes);
    }
    if (yes) {
      this.anchor = null;
      this.draw();
    }
  }

  /** Bring a line into view: `nearest` moves as little as possible. */
  reveal(index, where = "nearest") {
    const { scrollTop } = this.scroller;
    const clientHeight = this.#view;
    const top = this.heights.top(index);
    const bottom = top + this.heights.get(index);
    let offset = null;
    if (where === "center") offset = Math.max(0, (clientHeight - Math.min(bottom - top, clientHeight)) / 3);
    else if (top < scrollTop) offset = 0;
    else if (bottom > scrollTop + clientHeight) offset = Math.max(0, clientHeight - (bottom - top));
    if (offset === null) return;
    this.anchor = { index, offset };
    this.draw();
  }

  /** Make a line the current one. */
  activate(index, { reveal = true } = {}) {
    if (!this.records.rows.length) return;
    const wanted = Math.max(0, Math.min(index, this.records.rows.length - 1));
    const before = this.records.rows[this.active];
    this.active = wanted;
    if (reveal) {
      if (wanted < this.records.rows.length - 1) this.follow(false);
      this.reveal(wanted);
    }
    const record = this.records.rows[wanted];
    if (before) this.drawn.get(before.id)?.firstChild.classList.remove("active");
    this.drawn.get(record.id)?.firstChild.classList.add("active");
    this.scroller.setAttribute("aria-activedescendant", `row-${record.id}`);
  }

  /** Open or close the detail of a line. */
  toggle(index, open = undefined) {
    const record = this.records.rows[index];
    if (!record) return;
    const now = this.expanded.has(record.id);
    if (open === now) return;
    if (this.following) this.follow(false);
    const anchor = this.#anchorNow();
    if (now) {
      this.details.unobserve(this.expanded.get(record.id));
      this.expanded.delete(record.id);
      this.heights.set(index, this.measure.height(record));
    } else {
      const detail = h("div", { class: "detail", role: "row" }, h("div", { role: "gridcell", class: "detail-cell" }));
      this.expanded.set(record.id, detail);
      this.on.detail(record, detail.firstChild, index);
      this.details.observe(detail);
    }
    this.drawn.get(record.id)?.remove();
    this.drawn.delete(record.id);
    this.anchor = anchor;
    this.draw();
    if (!now) this.reveal(index);
    this.on.expanded(now ? "" : record.id);
  }

  /** Bring the document in line with what is loaded and where the reader is. */
  draw() {
    this.spacer.style.height = `${this.heights.total}px`;
    // At the end nothing else holds the place; an anchor of before would pull back to it later.
    if (this.following) this.anchor = null;
    if (this.following) this.#scrollTo(this.heights.total);
    else if (this.anchor) this.#scrollTo(this.heights.top(this.anchor.index) - this.anchor.offset);
    for (let pass = 0; pass < 3; pass += 1) if (!this.#drawWindow()) break;
    this.#askForMore();
  }

  get firstVisible() {
    return this.heights.length ? this.heights.at(this.scroller.scrollTop) : -1;
  }

  get #view() {
    return this.scroller.clientHeight - this.head.offsetHeight;
  }

  // Draw the rows around the visible part; whether heights turned out otherwise than guessed.
  #drawWindow() {
    const rows = this.records.rows;
    if (!rows.length) {
      this.window.replaceChildren();
      this.drawn.clear();
      return false;
    }
    const { scrollTop } = this.scroller;
    const first = this.heights.at(Math.max(0, scrollTop - OVERSCAN));
    const last = this.heights.at(scrollTop + this.#view + OVERSCAN);
    const wanted = new Set();
    for (let index = first; index <= last; index += 1) wanted.add(rows[index].id);
    for (const [id, element] of this.drawn) {
      if (wanted.has(id)) continue;
      element.remove();
      this.drawn.delete(id);
    }
    let place = this.window.firstChild;
    const fresh = [];
    for (let index = first; index <= last; index += 1) {
      const record = rows[index];
      let element = this.drawn.get(record.id);
      if (!element) {
        element = this.#element(record, index);
        this.drawn.set(record.id, element);
        this.window.insertBefore(element, place);
        fresh.push([index, element]);
      } else {
        element.firstChild.setAttribute("aria-rowindex", index + 2);
        if (element !== place) this.window.insertBefore(element, place);
      }
      place = element.nextSibling;
    }
    this.window.style.transform = `translateY(${this.heights.top(first)}px)`;
    return this.#measure(fresh);
  }

  #element(record, index) {
    const detail = this.expanded.get(record.id);
    const line = row(record, this.shown, { index, expanded: detail !== undefined, late: this.late.has(record.id) });
    if (index === this.active) line.classList.add("active");
    return h("div", { class: "line", role: "presentation" }, line, detail);
  }

  #measure(fresh) {
    const measured = fresh.map(([index, element]) => [index, element.offsetHeight]);
    const anchor = this.#anchorNow();
    let changed = false;
    for (const [index, height] of measured) {
      if (height && Math.abs(this.heights.get(index) - height) > 0.5) {
        this.heights.set(index, height);
        changed = true;
      }
    }
    if (!changed) return false;
    this.spacer.style.height = `${this.heights.total}px`;
    if (this.following) this.#scrollTo(this.heights.total);
    else if (anchor) this.#scrollTo(this.heights.top(anchor.index) - anchor.offset);
    return true;
  }

  #anchorNow() {
    if (!this.heights.length) return null;
    if (this.anchor) return { ...this.anchor };
    const top = this.scroller.scrollTop;
    const index = this.heights.at(top);
    return { index, offset: this.heights.top(index) - top };
  }

  #scrollTo(top) {
    const target = Math.max(0, Math.min(top, this.heights.total - this.#view));
    if (Math.abs(this.scroller.scrollTop - target) < 1) return;
    this.scroller.scrollTop = target;
    this.expected = this.scroller.scrollTop;
  }

  #scrolled() {
    const { scrollTop } = this.scroller;
    if (Math.abs(scrollTop - this.expected) < 1) {
      this.expected = -1;
    } else {
      this.anchor = null;
      const end = scrollTop + this.#view >= this.heights.total - AT_END;
      if (end !== this.following && !(end && this.records.newer)) {
        this.following = end;
        this.on.follow(end);
      }
    }
    for (let pass = 0; pass < 3; pass += 1) if (!this.#drawWindow()) break;
    this.#askForMore();
  }

  #askForMore() {
    const { scrollTop } = this.scroller;
    if (!this.records.state) return;
    if (this.records.older && scrollTop < NEAR) this.on.older();
    if (this.records.newer && scrollTop + this.#view > this.heights.total - NEAR) this.on.newer();
  }

  #resized() {
    const before = this.measure.columns;
    this.measure.renew(this.shown);
    if (this.shown.wrap && before !== this.measure.columns) this.restyle(this.shown);
    else this.draw();
  }

  #detailResized(entries) {
    let changed = false;
    const anchor = this.#anchorNow();
    for (const { target } of entries) {
      const line = target.parentElement;
      if (!line?.isConnected) continue;
      const index = Number(line.firstChild.getAttribute("aria-rowindex")) - 2;
      const height = line.offsetHeight;
      if (index < this.heights.length && Math.abs(this.heights.get(index) - height) > 0.5) {
        this.heights.set(index, height);
        changed = true;
      }
    }
    if (!changed) return;
    this.anchor = anchor;
    this.draw();
  }

  #clicked(event) {
    const line = event.target.closest(".row");
    if (!line || event.target.closest("button, a") || String(getSelection())) return;
    const index = Number(line.getAttribute("aria-rowindex")) - 2;
    this.activate(index, { reveal: false });
    this.toggle(index);
  }

  #empty() {
    this.window.replaceChildren();
    this.drawn.clear();
  }
}
