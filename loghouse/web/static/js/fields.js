// The field panel: what the found lines have, with the most frequent values; a click narrows the query.

import { ask, selection } from "./api.js";
import { byId, fill, h, icon, iconButton } from "./dom.js";
import { complain } from "./notices.js";
import { condition, conditionOfText, fieldKey, fieldName, labelKey } from "./refine.js";
import { plain } from "./text.js";

const SAMPLE = 1000;
const MOST_VALUES = 20;
const MOST_FIELDS = 200; // drawn at once; others are found by their name
const GROUPS = [["column", "Source"], ["label", "Labels"], ["field", "Fields"]];
// Too many to be of use here; the time has a picker.
const HIDDEN = new Set(["timestamp", "raw", "message"]);

export class Fields {
  /** `actions.filter(term)`, `actions.toggleColumn(key)`; `state()` is what is shown. */
  constructor(holder, actions, state) {
    this.holder = holder;
    this.actions = actions;
    this.state = state;
    this.opened = new Set(["level", "namespace"]);
    this.running = null;
    this.fields = [];
    this.wanted = h("input", { type: "search", class: "field-search", placeholder: "Find a field", "aria-label": "Find a field", on: { input: () => this.#draw() } });
    this.list = h("div", { class: "field-list" });
    this.note = h("p", { class: "field-note" });
    fill(holder, h("div", { class: "panel-head" }, this.wanted, iconButton("cross", "Close the field panel", () => actions.toggleFields())), this.list, this.note);
  }

  /** Look at the newest lines of a state. */
  async load(state) {
    this.running?.abort();
    const running = (this.running = new AbortController());
    try {
      const answer = await ask("fields", { ...selection(state), sample: SAMPLE }, running.signal);
      this.fields = answer.fields.filter((field) => !HIDDEN.has(field.name));
      this.sampled = answer.records;
      this.#draw();
      this.note.textContent = answer.records ? `of the newest ${answer.records.toLocaleString("en")} lines; open a field to count all` : "";
    } catch (error) {
      complain(error);
    }
  }

  /** The fields were asked for another question. */
  stop() {
    this.running?.abort();
  }

  /** Show which fields are columns. */
  refresh() {
    this.#draw();
  }

  #draw() {
    const wanted = this.wanted.value.trim().toLowerCase();
    const found = this.fields.filter((field) => field.name.toLowerCase().includes(wanted));
    const shown = found.slice(0, MOST_FIELDS);
    const groups = GROUPS.map(([kind, title]) => {
      const members = shown.filter((field) => (kind === "field" ? !["column", "label"].includes(field.kind) : field.kind === kind));
      return members.length ? h("section", { "aria-label": title }, h("h2", { text: title }), h("ul", {}, members.map((field) => this.#field(field)))) : null;
    });
    fill(this.list, groups);
    if (found.length > shown.length) this.list.append(h("p", { class: "empty", text: `and ${(found.length - shown.length).toLocaleString("en")} more: find them by name` }));
    if (!shown.length) this.list.append(h("p", { class: "empty", text: this.fields.length ? "No such field" : "No fields yet" }));
  }

  #field(field) {
    const open = this.opened.has(field.name);
    const key = keyOf(field);
    const isColumn = key && this.state().cols.includes(key);
    const name = plain(fieldName(field.name));
    const body = h("div", { class: "values", hidden: !open });
    const head = h("button", {
      type: "button",
      class: "field-name",
      "aria-expanded": String(open),
      on: { click: () => this.#toggle(field, head, body) },
    }, icon("right"), h("span", { class: `kind kind-${field.kind}`, text: SIGNS[field.kind] ?? "?", title: field.kind }), h("span", { class: "name", text: name }), h("span", { class: "distinct", text: String(field.distinct), title: "different values" }));
    const item = h("li", { class: `field${open ? " open" : ""}` },
      h("div", { class: "field-head" }, head,
        key ? iconButton("column", isColumn ? `Remove the column ${name}` : `Show ${name} as a column`, () => this.actions.toggleColumn(key), { "aria-pressed": String(Boolean(isColumn)) }) : null),
      body);
    if (open) this.#values(body, field, field.values, this.sampled);
    return item;
  }

  async #toggle(field, head, body) {
    const open = !this.opened.has(field.name);
    if (open) this.opened.add(field.name);
    else this.opened.delete(field.name);
    head.setAttribute("aria-expanded", String(open));
    head.closest(".field").classList.toggle("open", open);
    body.hidden = !open;
    if (!open) return;
    this.#values(body, field, field.values, this.sampled);
    const key = keyOf(field);
    if (!key) return;
    try {
      const answer = await ask("values", { ...selection(this.state()), field: key, limit: MOST_VALUES }, this.running?.signal);
      const total = answer.values.length ? answer.values[0].count / answer.values[0].share : 0;
      if (answer.values.length) this.#values(body, field, answer.values, total);
    } catch (error) {
      complain(error);
    }
  }

  #values(body, field, values, total) {
    const key = keyOf(field);
    fill(body, h("ul", {}, values.map(({ value, count }) => {
      const text = plain(value === "" ? "(empty)" : value);
      const bar = h("span", { class: "share" });
      bar.style.width = `${Math.max(2, (count / Math.max(total, count)) * 100)}%`;
      const term = (negated) => () => this.actions.filter(ofKind(key, field.kind, value, negated));
      return h("li", { class: "value" },
        h("button", { type: "button", class: "value-text", title: `Only lines with ${plain(fieldName(field.name))} = ${text}`, disabled: !key, on: { click: term(false) } },
          bar, h("span", { class: "value-name", text }), h("span", { class: "number", text: count.toLocaleString("en") })),
        key ? iconButton("plus", `Only ${text}`, term(false)) : null,
        key ? iconButton("minus", `Without ${text}`, term(true)) : null);
    })));
  }
}

const SIGNS = { column: "§", label: "~", text: "t", number: "#", bool: "?", null: "∅", list: "…" };

/** How a field of the panel is spelled in a query; null when it cannot be. */
function keyOf(field) {
  if (field.kind === "column") return field.name;
  if (field.kind === "label") return labelKey(field.name.slice(1));
  // The server spells names that a column has as well.
  return field.name.startsWith("`") ? field.name : fieldKey(field.name);
}

function ofKind(key, kind, value, negated) {
  if (kind === "bool") return condition(key, value === "true", negated);
  if (kind === "null") return condition(key, null, negated);
  return kind === "number" ? conditionOfText(key, value, negated) : condition(key, value, negated);
}

/** Whether the panel is open, remembered in this browser. */
export function shownFields(open = undefined) {
  if (open !== undefined) localStorage.setItem("fields", open ? "open" : "closed");
  const known = localStorage.getItem("fields");
  const wide = matchMedia("(min-width: 900px)").matches;
  const now = open ?? (wide && known !== "closed");
  byId("fields").hidden = !now;
  byId("fields-toggle").setAttribute("aria-pressed", String(now));
  return now;
}
