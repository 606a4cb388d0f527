// How high a row will be before it is drawn: from the length of its text, since all characters are as wide.

import { h } from "./dom.js";

const NARROW = 700; // pixels; below, a row has its message under the rest
const FIXED = 46; // characters before the message
const COLUMN = 18; // characters of a chosen column, about
const MOST_LINES = 400;

export class Measure {
  /** `window` is where rows are drawn. */
  constructor(scroller, window) {
    this.scroller = scroller;
    this.window = window;
    this.lineHeight = 20;
    this.textHeight = 20;
    this.columns = 80;
  }

  /** Look how high a line is and how many characters fit, as lines are shown now. */
  renew(shown) {
    this.wrap = shown.wrap;
    const probe = h("div", { class: "row probe" }, h("span", { class: "message", text: "0".repeat(100) }));
    this.window.append(probe);
    this.lineHeight = probe.offsetHeight || 20;
    this.textHeight = parseFloat(getComputedStyle(probe).lineHeight) || this.lineHeight;
    const width = probe.firstChild.scrollWidth / 100 || 7;
    probe.remove();
    const taken = this.scroller.clientWidth < NARROW ? 0 : FIXED + COLUMN * shown.cols.length;
    this.columns = Math.max(20, Math.floor((this.scroller.clientWidth - 20) / width) - taken);
  }

  /** The height that a record's row will have, about. */
  height(record) {
    if (!this.wrap) return this.lineHeight;
    const breaks = record.message.match(/\n/g)?.length ?? 0;
    const lines = Math.min(MOST_LINES, Math.ceil((record.message.length || 1) / this.columns) + breaks);
    return this.lineHeight + (lines - 1) * this.textHeight;
  }
}
