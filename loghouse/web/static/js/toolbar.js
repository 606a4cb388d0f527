// The row of buttons above the lines: range, namespaces, views, the live switch, and what can be done with the result.

import { command, copyLink, download } from "./exporting.js";
import { byId, fill, h, icon } from "./dom.js";
import { copy } from "./notices.js";
import { namespacesInWords, pickNamespaces } from "./namespaces.js";
import { menu } from "./popup.js";
import * as state from "./state.js";
import { choose, following, theme } from "./theme.js";
import { plain } from "./text.js";
import * as times from "./times.js";
import { pickTime } from "./timepicker.js";

const THEMES = { auto: "as the system", light: "light", dark: "dark" };
const THEME_ICONS = { auto: "auto", light: "sun", dark: "moon" };
const LIVE = { off: "Live", connecting: "Connecting", live: "Live", paused: "Paused" };

export class Toolbar {
  constructor({ search, rows, saved, actions }) {
    Object.assign(this, { search, rows, saved, actions });
    const on = (id, listener) => byId(id).addEventListener("click", listener);
    on("time", () => this.time());
    on("namespaces", () => this.namespaces());
    on("earlier", () => this.shift(-1));
    on("later", () => this.shift(1));
    on("zoom-out", () => this.zoomOut());
    on("fields-toggle", () => actions.toggleFields());
    on("live", () => this.toggleLive());
    on("wrap", () => this.toggleWrap());
    on("more", () => this.more());
    on("theme", () => this.theme());
    on("view-lines", () => state.set({ view: "lines" }));
    on("view-patterns", () => state.set({ view: "patterns" }));
    on("to-end", () => this.toEnd());
    for (const [id, name] of [["earlier", "left"], ["later", "right"], ["zoom-out", "out"], ["fields-toggle", "fields"], ["wrap", "wrap"], ["more", "more"], ["help-button", "help"]]) fill(byId(id), icon(name));
    fill(byId("run"), icon("run"));
    this.drawTheme();
  }

  /** Show what is chosen. */
  draw() {
    const given = state.get();
    fill(byId("time"), icon("clock"), h("span", { text: times.rangeInWords(given) }), icon("down"));
    fill(byId("namespaces"), icon("layers"), h("span", { text: namespacesInWords(given.ns) }), icon("down"));
    byId("namespaces").classList.toggle("chosen", given.ns.length > 0);
    byId("view-lines").setAttribute("aria-pressed", String(given.view === "lines"));
    byId("view-patterns").setAttribute("aria-pressed", String(given.view === "patterns"));
    byId("wrap").setAttribute("aria-pressed", String(given.wrap === "on"));
    byId("later").disabled = Boolean(given.since);
    document.title = given.q ? `${plain(given.q.slice(0, 60))} · loghouse` : "loghouse";
  }

  count(text) {
    byId("count").textContent = text;
  }

  /** How many new lines are kept back. */
  waiting(count, more) {
    this.kept = count;
    this.#drawEnd();
    fill(byId("to-end-text"), count ? `${count.toLocaleString("en")}${more ? "+" : ""} new line${count === 1 ? "" : "s"}` : "Newest");
  }

  /** Whether the newest line is in view. */
  atEnd(yes) {
    this.end = yes;
    this.#drawEnd();
  }

  #drawEnd() {
    byId("to-end").hidden = this.end !== false && !this.kept;
  }

  /** Show how the tail is doing. */
  live(name) {
    const button = byId("live");
    button.dataset.state = name;
    button.setAttribute("aria-pressed", String(name === "live" || name === "connecting"));
    fill(button, h("i", { class: "lamp" }), h("span", { text: LIVE[name] }));
    button.title = { off: "Show new lines as they come", paused: "Go on", live: "New lines come as they are stored. Pause", connecting: "Waiting for the server" }[name];
  }

  toggleLive() {
    const given = state.get();
    if (this.search.tail.running && this.search.tail.paused) this.toEnd();
    else if (this.search.tail.running) this.rows.follow(false);
    else if (given.to || given.at || given.live !== "on") state.set({ live: "on", at: "", open: "", ...(given.to ? { to: "", from: "", since: "1h" } : {}) });
    else this.search.run(given);
  }

  /** Go to the newest line, and follow. */
  toEnd() {
    const given = state.get();
    if (given.at) state.set({ at: "", open: "" });
    else if (this.search.records.newer) this.search.run(given);
    else this.rows.follow(true);
  }

  toggleWrap() {
    state.set({ wrap: state.get().wrap === "on" ? "" : "on" }, { replace: true });
  }

  time() {
    pickTime(byId("time"), state.get(), (changes) => state.set(changes));
  }

  namespaces() {
    pickNamespaces(byId("namespaces"), state.get().ns, (ns) => state.set({ ns }));
  }

  /** Look at the stretch of the same length before or after this one. */
  shift(direction) {
    const range = this.#range();
    if (!range) return;
    const by = (range.to - range.from) * direction;
    this.actions.zoom(range.from + by, range.to + by);
  }

  /** Look at a stretch of twice the length. */
  zoomOut() {
    const given = state.get();
    const age = times.age(given.since || "");
    if (age) {
      const wider = ["15m", "1h", "3h", "6h", "12h", "24h", "2d", "7d", "14d", "30d"].find((each) => times.age(each) > age);
      if (wider) state.set({ since: wider });
      return;
    }
    const range = this.#range();
    if (!range) return;
    const half = (range.to - range.from) / 2;
    this.actions.zoom(range.from - half, Math.min(range.to + half, Date.now()));
  }

  #range() {
    const given = state.get();
    if (times.isExact(given.from) && times.isExact(given.to)) return { from: times.ms(given.from), to: times.ms(given.to) };
    const { range } = this.search;
    return range && { from: times.msOfNs(range.from), to: times.msOfNs(range.to) };
  }

  theme() {
    choose(following());
    this.drawTheme();
  }

  drawTheme() {
    fill(byId("theme"), icon(THEME_ICONS[theme()]));
    byId("theme").setAttribute("aria-label", `Colours: ${THEMES[theme()]}`);
    byId("theme").title = `Colours: ${THEMES[theme()]} (d)`;
  }

  /** What can be taken away or kept. */
  more() {
    const given = state.get();
    const range = this.#range();
    menu(byId("more"), [
      { label: "Download CSV", note: "all of it", action: () => download(given, "csv") },
      { label: "Download JSON lines", note: "all of it", action: () => download(given, "jsonl") },
      { label: "Download as written", note: "all of it", action: () => download(given, "raw") },
      null,
      { label: "Copy as logq command", action: () => copy(command(given), "Command") },
      { label: "Copy link", action: () => copyLink(given) },
      range && { label: "Copy link to these times", action: () => copyLink(given, { from: times.iso(range.from), to: times.iso(range.to) }) },
      null,
      { label: "Save this query", note: "s", action: () => this.saved.save() },
      { label: "Wrap lines", checked: given.wrap === "on", note: "w", action: () => this.toggleWrap() },
      { label: "Times in UTC", checked: given.tz === "utc", action: () => state.set({ tz: given.tz === "utc" ? "" : "utc" }) },
    ], "More");
  }
}
