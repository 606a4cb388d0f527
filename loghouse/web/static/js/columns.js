// The head of the lines: what the columns are; chosen ones can be moved and removed.

import { fill, h, icon } from "./dom.js";
import { menu } from "./popup.js";
import { asText, valueOf } from "./records.js";
import { fieldName } from "./refine.js";
import { plain } from "./text.js";

const [NARROW, WIDE, SAMPLE] = [6, 36, 200];

/** Draw the head; `choose(cols)` gets another choice. */
export function drawHead(holder, cols, choose) {
  const fixed = (name, kind) => h("span", { role: "columnheader", class: kind, text: name });
  fill(holder, fixed("Time", "time"), fixed("Lvl", "level"), fixed("Source", "source"), cols.map((key, place) => {
    const name = plain(fieldName(key));
    const move = (by) => {
      const next = cols.filter((each) => each !== key);
      next.splice(place + by, 0, key);
      choose(next);
    };
    const button = h("button", { type: "button", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": `Column ${name}`, draggable: "true",
      on: {
        click: () => menu(button, [
          { label: "Move left", disabled: place === 0, action: () => move(-1) },
          { label: "Move right", disabled: place === cols.length - 1, action: () => move(1) },
          { label: "Remove this column", action: () => choose(cols.filter((each) => each !== key)) },
          { label: "Remove all columns", action: () => choose([]) },
        ], `Column ${name}`),
        dragstart: (event) => event.dataTransfer.setData("text/column", key),
        dragover: (event) => event.preventDefault(),
        drop: (event) => {
          event.preventDefault();
          const moved = event.dataTransfer.getData("text/column");
          if (!cols.includes(moved) || moved === key) return;
          const next = cols.filter((each) => each !== moved);
          next.splice(place, 0, moved);
          choose(next);
        },
      } }, h("span", { text: name }), icon("down"));
    return h("span", { role: "columnheader", class: "cell" }, button);
  }), fixed("Message", "message"));
}

/** The widths of the columns, as a grid takes them: as wide as what stands in them, within bounds. */
export function widths(cols, rows, { withDay, withNamespace }) {
  const sample = rows.slice(-SAMPLE);
  const longest = (texts, least, most) => Math.min(most, Math.max(least, ...texts));
  const source = longest(sample.map((record) => record.pod.length + (withNamespace ? record.namespace.length + 1 : 0) + (record.pod.startsWith(record.container) ? 0 : record.container.length + 1)), 8, 34) + 1;
  const chosen = cols.map((key) => longest([fieldName(key).length + 3, ...sample.map((record) => asText(valueOf(record, key)).length)], NARROW, WIDE));
  const time = 12 + (withDay ? 7 : 0);
  return [`${time}ch`, "4ch", `${source}ch`, ...chosen.map((width) => `${width}ch`), "minmax(0, 1fr)"].join(" ");
}
