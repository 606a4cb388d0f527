// Saved queries as tabs: one's own in their order, then those that others share.

import { ask, send } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { complain, say } from "./notices.js";
import { menu } from "./popup.js";
import { address, get, read, set } from "./state.js";
import { plain } from "./text.js";

// Of a tab all is kept but what is of a moment.
const FLEETING = { q: "", tab: "", open: "", at: "" };

export class Saved {
  /** `name(title, value)` asks for a name. */
  constructor(holder, askName) {
    this.holder = holder;
    this.askName = askName;
    this.tabs = [];
    this.draw();
  }

  async load() {
    try {
      this.tabs = (await ask("saved")).saved;
      this.draw();
    } catch (error) {
      complain(error);
    }
  }

  get current() {
    return this.tabs.find((tab) => tab.id === get().tab);
  }

  /** Show the tabs, with the chosen one and whether it was changed. */
  draw() {
    const state = get();
    const item = (tab) => {
      const chosen = tab.id === state.tab;
      const changed = chosen && this.#changed(tab, state);
      const link = h("a", {
        href: address(this.#stateOf(tab)), class: "tab", "aria-current": chosen ? "page" : null, draggable: tab.own ? "true" : "false",
        title: `${plain(tab.query) || "everything"}${tab.own ? "" : `, shared by ${plain(tab.owner)}`}`,
        on: { click: (event) => this.#open(event, tab), dragstart: (event) => event.dataTransfer.setData("text/tab", tab.id) },
      }, h("span", { text: plain(tab.name) }), tab.own ? null : h("span", { class: "owner", text: plain(tab.owner) }),
      tab.shared && tab.own ? h("span", { class: "shared" }, icon("share"), h("span", { class: "said", text: "shared" })) : null,
      changed ? h("span", { class: "changed", title: "Changed", text: "•" }, h("span", { class: "said", text: "changed" })) : null);
      return h("li", { on: { dragover: (event) => tab.own && event.preventDefault(), drop: (event) => this.#dropped(event, tab) } }, link,
        chosen ? h("button", { type: "button", class: "tab-menu", "aria-label": `Actions for ${plain(tab.name)}`, "aria-haspopup": "menu", "aria-expanded": "false", on: { click: (event) => this.#menu(event.currentTarget, tab) } }, icon("down")) : null);
    };
    fill(this.holder,
      h("li", {}, h("a", { href: location.pathname, class: "tab", "aria-current": state.tab ? null : "page", text: "All logs", on: { click: (event) => this.#open(event, null) } })),
      this.tabs.map(item),
      h("li", {}, h("button", { type: "button", class: "tab add", "aria-label": "Save this query as a tab", title: "Save this query as a tab (s)", on: { click: () => this.saveNew() } }, icon("plus"))));
  }

  /** Save what is shown: into the chosen tab if it is one's own, else as a new one. */
  async save() {
    const tab = this.current;
    if (tab?.own) await this.#change(tab, { query: get().q, view: this.#view(get()) }, "Saved");
    else await this.saveNew();
  }

  /** Save what is shown under a name. */
  async saveNew() {
    const name = await this.askName("Save this query as", this.current?.name ?? "");
    if (!name) return;
    try {
      const made = await send("POST", "saved", { name, query: get().q, view: this.#view(get()) });
      await this.load();
      set({ tab: made.id });
      say("Saved");
    } catch (error) {
      complain(error);
    }
  }

  /** Open the tab that lies so many places away. */
  step(by) {
    const all = [null, ...this.tabs];
    const at = all.findIndex((tab) => (tab?.id ?? "") === get().tab);
    this.#choose(all[(at + by + all.length) % all.length]);
  }

  #menu(button, tab) {
    const own = this.tabs.filter((each) => each.own);
    const place = own.indexOf(tab);
    menu(button, [
      tab.own && { label: "Save the changes", disabled: !this.#changed(tab, get()), action: () => this.save() },
      { label: tab.own ? "Save as a new tab" : "Save a copy", action: () => this.saveNew() },
      this.#changed(tab, get()) && { label: "Undo the changes", action: () => this.#choose(tab) },
      tab.own && { label: "Rename", action: () => this.#rename(tab) },
      tab.own && { label: "Share with everybody", checked: tab.shared, action: () => this.#change(tab, { shared: !tab.shared }, tab.shared ? "No longer shared" : "Shared") },
      tab.own && null,
      tab.own && { label: "Move left", disabled: place <= 0, action: () => this.#move(tab, place - 1) },
      tab.own && { label: "Move right", disabled: place === own.length - 1, action: () => this.#move(tab, place + 1) },
      tab.own && null,
      tab.own && { label: "Delete", action: () => this.#delete(tab) },
    ], `Actions for ${plain(tab.name)}`);
  }

  #view(state) {
    return address({ ...state, ...FLEETING }).replace(/^[^?]*\??/, "");
  }

  #stateOf(tab) {
    return tab ? { ...read(tab.view), ...FLEETING, q: tab.query, tab: tab.id } : read("");
  }

  #changed(tab, state) {
    return state.q !== tab.query || this.#view(state) !== this.#view(this.#stateOf(tab));
  }

  #open(event, tab) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#choose(tab);
  }

  #choose(tab) {
    set(this.#stateOf(tab));
  }

  async #rename(tab) {
    const name = await this.askName("Rename this query", tab.name);
    if (name) await this.#change(tab, { name }, "Renamed");
  }

  async #change(tab, changes, done) {
    const { name, query, view, shared, position } = { ...tab, ...changes };
    try {
      await send("PUT", `saved/${tab.id}`, { name, query, view, shared, position });
      await this.load();
      if (done) say(done);
    } catch (error) {
      complain(error);
    }
  }

  async #delete(tab) {
    try {
      await send("DELETE", `saved/${tab.id}`);
      if (get().tab === tab.id) set({ tab: "" });
      await this.load();
      say(`“${plain(tab.name)}” is deleted`);
    } catch (error) {
      complain(error);
    }
  }

  #dropped(event, target) {
    event.preventDefault();
    const own = this.tabs.filter((each) => each.own);
    const tab = own.find((each) => each.id === event.dataTransfer.getData("text/tab"));
    if (tab && target.own && tab !== target) this.#move(tab, own.indexOf(target));
  }

  async #move(tab, place) {
    const own = this.tabs.filter((each) => each.own && each !== tab);
    own.splice(place, 0, tab);
    try {
      for (const [position, each] of own.entries()) {
        if (each.position !== position) await send("PUT", `saved/${each.id}`, { name: each.name, query: each.query, view: each.view, shared: each.shared, position });
      }
    } catch (error) {
      complain(error);
    }
    await this.load();
  }
}
