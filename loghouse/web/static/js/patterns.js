// Messages grouped by what stays the same, with how often and when they came.

import { ask, selection } from "./api.js";
import { fill, h, iconButton, svg } from "./dom.js";
import { patternCondition, PLACEHOLDERS } from "./refine.js";
import { plain, writeLine } from "./text.js";
import * as times from "./times.js";

const MOST = 200;
const PLACEHOLDER = new RegExp(`(${PLACEHOLDERS.source})`);

export class Patterns {
  constructor(holder, actions) {
    this.holder = holder;
    this.actions = actions;
  }

  /** Ask and show; how many patterns there are. */
  async load(state, signal) {
    fill(this.holder, h("p", { class: "empty", text: "Grouping…" }));
    const answer = await ask("patterns", { ...selection(state), limit: MOST }, signal);
    const utc = state.tz === "utc";
    if (!answer.patterns.length) {
      fill(this.holder, h("p", { class: "empty", text: "No lines in this time range" }));
      return 0;
    }
    const most = answer.patterns[0].count;
    fill(this.holder, h("table", { class: "patterns" },
      h("caption", { class: "said", text: "Messages by pattern, the most frequent first" }),
      h("thead", {}, h("tr", {}, ["Lines", "Share", "Over time", "Pattern", "First", "Last", ""].map((title) => h("th", { scope: "col" }, title || h("span", { class: "said", text: "Actions" }))))),
      h("tbody", {}, answer.patterns.map((each) => this.#row(each, most, utc)))));
    return answer.patterns.length;
  }

  #row(each, most, utc) {
    const share = h("span", { class: "share" });
    share.style.width = `${Math.max(1, (each.count / most) * 100)}%`;
    const pattern = h("td", { class: "pattern" });
    for (const piece of each.pattern.split(PLACEHOLDER)) {
      const holder = PLACEHOLDER.test(piece) ? h("span", { class: "placeholder" }) : h("span", {});
      writeLine(holder, piece);
      pattern.append(holder);
    }
    pattern.title = plain(each.sample.slice(0, 1000));
    const time = (text) => h("td", { class: "time", title: times.whole(text, utc), text: times.clock(times.ms(text), utc).slice(0, 8) });
    return h("tr", {},
      h("td", { class: "number", text: each.count.toLocaleString("en") }),
      h("td", { class: "share-cell" }, share, h("span", { text: percent(each.share) })),
      h("td", { class: "trend" }, sparkline(each.trend)),
      pattern, time(each.first_seen), time(each.last_seen),
      h("td", { class: "tools" },
        iconButton("plus", "Show the lines of this pattern", () => this.actions.filter(patternCondition(each.pattern), { view: "lines" })),
        iconButton("minus", "Leave this pattern out", () => this.actions.filter(patternCondition(each.pattern, true)))));
  }
}

const percent = (share) => (share >= 0.001 ? `${(share * 100).toFixed(1)} %` : "< 0.1 %");

function sparkline(counts) {
  const most = Math.max(...counts, 1);
  return svg("svg", { class: "spark", viewBox: `0 0 ${counts.length * 4} 18`, role: "img", "aria-label": `Over time: ${counts.join(", ")}` },
    counts.map((count, place) => count ? svg("rect", { x: place * 4, width: 3, y: 18 - Math.max(1, (count / most) * 18), height: Math.max(1, (count / most) * 18) }) : null).filter(Boolean));
}
