// The neighbours of a line: what came before and after it in its stream, pod or node, or with its request id.

import { ask } from "./api.js";
import { byId, fill, h, iconButton } from "./dom.js";
import { complain } from "./notices.js";
import { fillDetail, requestIds } from "./detail.js";
import { row } from "./row.js";
import { plain } from "./text.js";

const STEP = 20;
const MOST = 500;
const WITHIN = { stream: "1h", pod: "1h", node: "10m", namespace: "10m", field: "1d" };

export class Context {
  constructor(actions, state) {
    this.actions = actions;
    this.state = state;
    this.dialog = byId("context");
    this.lines = h("div", { class: "context-lines", role: "treegrid", "aria-label": "Neighbouring lines", tabindex: "0" });
    this.head = h("div", { class: "dialog-head" });
    fill(this.dialog, this.head, this.lines);
    this.lines.addEventListener("click", (event) => this.#clicked(event));
    this.lines.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Show what is around `record`. */
  show(record, across = "stream", field = "") {
    Object.assign(this, { record, across, field, before: STEP, after: STEP });
    if (!this.dialog.open) this.dialog.showModal();
    fill(this.lines, h("p", { class: "empty", text: "Searching…" }));
    return this.#load(true);
  }

  async #load(center = false) {
    this.#drawHead();
    const { id } = this.record;
    let answer;
    try {
      answer = await ask("context", { id, across: this.across, field: this.field, before: this.before, after: this.after, within: WITHIN[this.across] });
    } catch (error) {
      fill(this.lines, h("p", { class: "empty", text: error.hint ? `${error.message}. ${error.hint}` : error.message }));
      return;
    }
    const top = this.lines.scrollHeight - this.lines.scrollTop;
    const state = this.state();
    const shown = { cols: [], wrap: false, utc: state.tz === "utc", marks: null, withDay: false, withNamespace: false };
    this.records = answer.records;
    const lines = answer.records.map((record, index) => {
      const line = row(record, shown, { index: index - 1, expanded: false, late: false });
      line.id = `context-${record.id}`;
      if (index === answer.at) {
        line.classList.add("target");
        line.setAttribute("aria-current", "true");
      }
      line.tabIndex = index === answer.at ? 0 : -1;
      return line;
    });
    const more = (side, got) => got < this[side] || this[side] >= MOST
      ? h("p", { class: "edge", text: side === "before" ? "nothing before" : "nothing after" })
      : h("button", { type: "button", class: "quiet edge", text: `${STEP} more ${side === "before" ? "before" : "after"}`, on: { click: () => this.#more(side) } });
    fill(this.lines, h("div", { role: "row", class: "edge-row" }, h("div", { role: "gridcell" }, more("before", answer.at))), lines,
      h("div", { role: "row", class: "edge-row" }, h("div", { role: "gridcell" }, more("after", answer.records.length - 1 - answer.at))));
    if (center) lines[answer.at]?.scrollIntoView({ block: "center" });
    else if (this.grew === "before") this.lines.scrollTop = this.lines.scrollHeight - top;
    if (center) lines[answer.at]?.focus({ preventScroll: true });
  }

  #more(side) {
    this.grew = side;
    this[side] = Math.min(MOST, this[side] + STEP * 2);
    this.#load().catch(complain);
  }

  #drawHead() {
    const { record } = this;
    const choice = (across, title, field = "") => h("button", { type: "button", text: title, "aria-pressed": String(this.across === across && this.field === field), on: { click: () => this.show(record, across, field) } });
    fill(this.head, h("h2", { text: "Context" }), h("div", { class: "shapes", role: "group", "aria-label": "Lines of the same" },
      choice("stream", "stream"), choice("pod", "pod"), choice("node", "node"), choice("namespace", "namespace"), requestIds(record).map((key) => choice("field", plain(key), key))),
    h("span", { class: "note", text: plain([record.namespace, record.pod, record.container].filter(Boolean).join(" / ")) }),
    iconButton("cross", "Close the context", () => this.dialog.close()));
  }

  #clicked(event) {
    const line = event.target.closest(".row");
    if (!line || event.target.closest("button") || String(getSelection())) return;
    this.#toggle(line);
  }

  #toggle(line) {
    if (line.nextElementSibling?.classList.contains("detail")) {
      line.nextElementSibling.remove();
      line.setAttribute("aria-expanded", "false");
      return;
    }
    const record = this.records.find((each) => each.id === line.dataset.id);
    const cell = h("div", { role: "gridcell", class: "detail-cell" });
    line.after(h("div", { class: "detail", role: "row" }, cell));
    line.setAttribute("aria-expanded", "true");
    const leaving = { ...this.actions, filter: (...given) => {
      this.dialog.close();
      this.actions.filter(...given);
    }, around: (...given) => {
      this.dialog.close();
      this.actions.around(...given);
    } };
    fillDetail(cell, record, leaving, this.state);
  }

  #key(event) {
    const lines = [...this.lines.querySelectorAll(".row")];
    const at = lines.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
    if (step && at >= 0) {
      event.preventDefault();
      lines[at + step]?.focus();
    } else if (event.key === "Enter" && at >= 0) this.#toggle(lines[at]);
  }
}
