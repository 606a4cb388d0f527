// Text that programs wrote, made harmless and readable: colours of terminals are shown, everything else that would
// move, hide or reorder text becomes a visible mark.

import { h } from "./dom.js";

// Escape sequences, control codes, and characters that turn or hide what stands beside them.
const ODD = /\x1b\[([0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const LONGEST_SEQUENCE = 200;

/** Append `text` to `parent`, words that `marks` (a regular expression) finds marked. */
export function writeText(parent, text, marks = null) {
  ODD.lastIndex = 0;
  if (!ODD.test(text)) {
    marked(parent, text, marks);
    return;
  }
  ODD.lastIndex = 0;
  let at = 0;
  let style = new Style();
  for (let found = ODD.exec(text); found; found = ODD.exec(text)) {
    marked(style.holder(parent), text.slice(at, found.index), marks);
    if (found[1] !== undefined) style = style.after(found[1]);
    else parent.append(oddMark(found[0]));
    at = found.index + found[0].length;
  }
  marked(style.holder(parent), text.slice(at), marks);
}

/** One line of text: line breaks and tabs as marks. */
export function writeLine(parent, text, marks = null) {
  writeText(parent, text.replace(/\r?\n|\r/g, " ⏎ ").replace(/\t/g, "  "), marks);
}

/** The text without anything that is not to be seen, for names and labels. */
export function plain(text) {
  return String(text).replace(ODD, (found) => (found.startsWith("\x1b") && found.length > 1 ? "" : named(found)));
}

function oddMark(found) {
  const text = found.length > 1 ? `ESC${found.slice(1, LONGEST_SEQUENCE).replace(/[\0-\x1f]/g, named)}` : named(found);
  return h("span", { class: "odd", title: "Characters that cannot be seen", text });
}

const CONTROLS = "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(" ");

function named(character) {
  const code = character.charCodeAt(0);
  if (code < 0x20) return CONTROLS[code];
  if (code === 0x7f) return "DEL";
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

function marked(parent, text, marks) {
  if (!text) return;
  if (!marks) {
    parent.append(text);
    return;
  }
  let at = 0;
  for (const found of text.matchAll(marks)) {
    if (!found[0]) continue;
    parent.append(text.slice(at, found.index), h("mark", { text: found[0] }));
    at = found.index + found[0].length;
  }
  parent.append(text.slice(at));
}

// Colours and weights that a program set for a terminal.
class Style {
  constructor(classes = []) {
    this.classes = classes;
  }

  holder(parent) {
    if (!this.classes.length) return parent;
    const span = h("span", { class: this.classes.join(" ") });
    parent.append(span);
    return span;
  }

  after(codes) {
    let classes = this.classes;
    const without = (prefix) => classes.filter((name) => !name.startsWith(prefix));
    const numbers = codes.split(/[;:]/).map(Number);
    for (let place = 0; place < numbers.length; place += 1) {
      const code = numbers[place];
      if (code === 0) classes = [];
      else if (code === 1) classes = [...without("ansi-bold"), "ansi-bold"];
      else if (code === 2) classes = [...without("ansi-dim"), "ansi-dim"];
      else if (code === 3) classes = [...without("ansi-italic"), "ansi-italic"];
      else if (code === 4) classes = [...without("ansi-line"), "ansi-line"];
      else if (code === 22) classes = without("ansi-bold").filter((name) => name !== "ansi-dim");
      else if (code === 23) classes = without("ansi-italic");
      else if (code === 24) classes = without("ansi-line");
      else if (code === 38 || code === 48) place += numbers[place + 1] === 5 ? 2 : 4;
      else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) classes = [...without("ansi-fg"), `ansi-fg-${code % 10}`];
      else if (code === 39) classes = without("ansi-fg");
    }
    return new Style(classes);
  }
}
