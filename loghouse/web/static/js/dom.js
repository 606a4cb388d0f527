// Elements out of plain values. Text only ever becomes text nodes and attributes: data never is markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element; `props` are attributes, but `on` (listeners), `text`, `class`, and properties that start with a dot. */
export function h(tag, props = {}, ...children) {
  return filled(document.createElement(tag), props, children);
}

/** The same in a drawing. */
export function svg(tag, props = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), props, children);
}

function filled(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "text") element.textContent = value;
    else if (name.startsWith(".")) element[name.slice(1)] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Put other children into an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
}

// Strokes in a box of 16 by 16.
const ICONS = {
  house: "M2 7.5 8 2.5l6 5M4 6.5V13h8V6.5M6 10h4M6 8h4",
  fields: "M2.5 3h11v10h-11zM6.5 3v10",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M8 4.8V8l2.2 1.6",
  layers: "M8 2.5 14 6 8 9.5 2 6zM2.5 9 8 12.5 13.5 9",
  left: "M10 3 5 8l5 5",
  right: "M6 3l5 5-5 5",
  up: "M3 10l5-5 5 5",
  down: "M3 6l5 5 5-5",
  bottom: "M8 2v9M4 7.5 8 11.5l4-4M3 14h10",
  out: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.3 10.3 14 14M5 7h4",
  wrap: "M2 4h12M2 8h9.5a2.2 2.2 0 0 1 0 4.4H8M9.8 10.6 8 12.4l1.8 1.8M2 12.4h3",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9",
  moon: "M13 9.6A5.5 5.5 0 1 1 6.4 3a4.4 4.4 0 0 0 6.6 6.6",
  auto: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M8 2v12M8 5h4.6M8 8h5.9M8 11h4.6",
  help: "M5.8 6a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M8 12.2h.01",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  cross: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  column: "M3 3h10v10H3zM8 3v10M10.5 6v4",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  link: "M7 9.5 9.5 7M6.5 5.5 8 4a2.8 2.8 0 0 1 4 4l-1.5 1.5M9.5 10.5 8 12a2.8 2.8 0 0 1-4-4l1.5-1.5",
  target: "M8 3.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M8 1v3M8 12v3M1 8h3M12 8h3",
  share: "M5 8l6-3.5M5 8l6 3.5M4 6.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3M12 3a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3M12 10a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3",
  save: "M3 2.5h8l2 2v9H3zM5.5 2.5V6h5V2.5M5 13.5V9h6v4.5",
  run: "M4.5 3v10l8-5z",
  context: "M3 3h10M3 8h10M3 13h10M1 8h.01",
};

/** A small drawing that says nothing to a screen reader: its button has the words. */
export function icon(name) {
  return svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" }, svg("path", { d: ICONS[name] }));
}

/** A button with a drawing; `label` is what it is called. */
export function iconButton(name, label, listener, props = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, on: { click: listener }, ...props }, icon(name));
}
