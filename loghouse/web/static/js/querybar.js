// Where the query is written: coloured, completed, and with errors underlined where they are.

import { byId, fill, h } from "./dom.js";
import { Completion } from "./completion.js";
import { pieces } from "./language.js";
import * as past from "./past.js";

const MOST_LINES = 8;

export class QueryBar {
  /** `on.run(text)` when somebody asks; `on.namespaces()` are the chosen ones. */
  constructor(on) {
    this.on = on;
    this.area = byId("query");
    this.colours = byId("query-colours");
    this.message = byId("query-error");
    this.error = null;
    this.back = -1; // how far back in what was asked before
    this.completion = new Completion(this.area, byId("choices"), { namespaces: on.namespaces, changed: () => this.#typed() });
    this.area.addEventListener("input", () => {
      this.back = -1;
      this.#typed();
      this.completion.soon();
    });
    this.area.addEventListener("keydown", (event) => this.#key(event));
    this.area.addEventListener("scroll", () => (this.colours.scrollTop = this.area.scrollTop));
    byId("query-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#run();
    });
  }

  get text() {
    return this.area.value;
  }

  set text(value) {
    if (this.area.value !== value) {
      this.area.value = value;
      this.showError(null);
    }
    this.#draw();
  }

  focus() {
    this.area.focus();
    this.area.setSelectionRange(this.area.value.length, this.area.value.length);
  }

  /** Underline what an error is about, and say it; null takes it back. `kind` is "error" or "hint". */
  showError(error, kind = "error") {
    this.error = error;
    this.area.setAttribute("aria-invalid", String(Boolean(error) && kind === "error"));
    this.message.hidden = !error;
    this.message.className = kind;
    if (error) {
      const column = error.place?.column;
      const where = column ? (error.place.line > 1 ? `Line ${error.place.line}, column ${column}: ` : `Column ${column}: `) : "";
      fill(this.message, h("span", { class: "what", text: where + error.message }), error.hint ? h("span", { class: "hint", text: error.hint }) : null);
    }
    this.#draw();
  }

  #run() {
    this.completion.close();
    past.remember(this.text);
    this.on.run(this.text);
  }

  #typed() {
    if (this.error) this.showError(null);
    this.#draw();
  }

  #key(event) {
    if (this.completion.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#run();
    } else if (event.key === "Escape") {
      this.area.blur();
    } else if (event.key === "ArrowUp" && this.#onFirstLine()) this.#recall(event, this.back + 1);
    else if (event.key === "ArrowDown" && this.back >= 0) this.#recall(event, this.back - 1);
  }

  #onFirstLine() {
    return !this.area.value.slice(0, this.area.selectionStart).includes("\n") && (this.back >= 0 || this.area.value === "");
  }

  #recall(event, back) {
    const known = past.all();
    if (back >= known.length) return;
    event.preventDefault();
    this.back = back;
    this.area.value = back < 0 ? "" : known[back];
    this.#typed();
  }

  #draw() {
    const place = this.error?.place;
    const codes = [...this.area.value];
    const start = place ? codes.slice(0, place.start).join("").length : -1;
    const end = place ? Math.max(codes.slice(0, place.end).join("").length, start + 1) : -1;
    const spans = [];
    let at = 0;
    for (const { text, kind } of pieces(this.area.value)) {
      for (const [piece, wrong] of cut(text, start - at, end - at)) spans.push(h("span", { class: `lql-${kind}${wrong ? " wrong" : ""}`, text: piece }));
      at += text.length;
    }
    if (place && start >= at) spans.push(h("span", { class: "wrong", text: " " }));
    fill(this.colours, spans, "\n");
    const lines = Math.min(MOST_LINES, this.area.value.split("\n").length);
    this.area.rows = lines;
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(this.area.scrollHeight, lines > 1 ? 200 : 120)}px`;
    this.colours.scrollTop = this.area.scrollTop;
  }
}

// A piece of text cut where a stretch begins and ends.
function cut(text, start, end) {
  const [from, to] = [Math.max(0, start), Math.min(text.length, end)];
  if (from >= to) return [[text, false]];
  return [[text.slice(0, from), false], [text.slice(from, to), true], [text.slice(to), false]].filter(([piece]) => piece);
}
