// What may come next in the query: a list at the cursor, asked from the server while somebody types.

import { ask } from "./api.js";
import { fill, h } from "./dom.js";
import { plain } from "./text.js";

const PAUSE = 120; // milliseconds after the last key

export class Completion {
  /** `area` is the textarea, `list` the element for the choices, `namespaces()` the chosen ones. */
  constructor(area, list, { namespaces, changed }) {
    this.area = area;
    this.list = list;
    this.namespaces = namespaces;
    this.changed = changed;
    this.items = [];
    this.chosen = -1;
    this.timer = 0;
    this.running = null;
    area.addEventListener("blur", () => this.close());
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const place = [...list.children].indexOf(event.target.closest("[role=option]"));
      if (place >= 0) this.#accept(place);
    });
  }

  get open() {
    return !this.list.hidden;
  }

  /** Ask for choices in a moment. */
  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now(), PAUSE);
  }

  /** Ask for choices at the cursor. */
  async now() {
    clearTimeout(this.timer);
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    const { value, selectionStart } = this.area;
    // The server counts characters, the browser counts halves of those beyond the first 65,536.
    const position = [...value.slice(0, selectionStart)].length;
    let answer;
    try {
      answer = await ask("complete", { query: value, position, namespace: this.namespaces() }, running.signal);
    } catch {
      return; // Without choices somebody types on.
    }
    if (running !== this.running || this.area.value !== value || document.activeElement !== this.area) return;
    const from = [...value].slice(0, answer.from).join("").length;
    const begun = value.slice(from, selectionStart);
    this.#show(answer.items.filter((item) => item.text !== begun), from, selectionStart);
  }

  close() {
    clearTimeout(this.timer);
    this.running?.abort();
    this.running = null;
    this.list.hidden = true;
    this.chosen = -1;
    this.area.setAttribute("aria-expanded", "false");
    this.area.removeAttribute("aria-activedescendant");
  }

  /** Whether the key was for the list. */
  key(event) {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      this.now();
      return true;
    }
    if (!this.open) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.#choose(event.key === "ArrowDown" ? 1 : -1);
    else if (event.key === "Tab" && !event.shiftKey) this.#accept(Math.max(0, this.chosen));
    else if (event.key === "Enter" && this.chosen >= 0) this.#accept(this.chosen);
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #show(items, from, to) {
    if (!items.length) {
      this.close();
      return;
    }
    Object.assign(this, { items, from, to, chosen: -1 });
    fill(this.list, items.map((item, place) =>
      h("div", { role: "option", id: `choice-${place}`, "aria-selected": "false", class: `choice kind-${item.kind}` },
        h("span", { class: "choice-text", text: plain(item.text) }),
        h("span", { class: "choice-detail", text: plain(item.detail || "") }),
        h("span", { class: "choice-kind", text: item.kind }))));
    this.list.hidden = false;
    this.list.scrollTop = 0;
    this.area.setAttribute("aria-expanded", "true");
    this.area.removeAttribute("aria-activedescendant");
  }

  #choose(step) {
    const count = this.items.length;
    this.chosen = this.chosen < 0 ? (step > 0 ? 0 : count - 1) : (this.chosen + step + count) % count;
    [...this.list.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === this.chosen)));
    this.list.children[this.chosen].scrollIntoView({ block: "nearest" });
    this.area.setAttribute("aria-activedescendant", `choice-${this.chosen}`);
  }

  #accept(place) {
    const item = this.items[place];
    const more = { stage: " ", keyword: " ", function: "(" }[item.kind] ?? "";
    this.area.focus();
    this.area.setRangeText(item.text + more, this.from, this.to, "end");
    this.close();
    this.changed();
    if (item.kind === "stage" || item.kind === "function") this.soon();
  }
}
