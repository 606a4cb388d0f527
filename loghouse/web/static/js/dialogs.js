// Dialogs: the keys, and a name to be typed.

import { byId, fill, h, iconButton } from "./dom.js";
import { singleKeys, useSingleKeys } from "./keys.js";

/** Show which keys there are. */
export function showHelp(bindings) {
  const dialog = byId("help");
  const groups = Map.groupBy ? Map.groupBy(bindings, (each) => each.group) : grouped(bindings);
  fill(dialog, h("div", { class: "dialog-head" }, h("h2", { text: "Keys and the query language" }), iconButton("cross", "Close the help", () => dialog.close())),
    h("div", { class: "help-columns" }, [...groups].map(([group, members]) => h("section", {}, h("h3", { text: group }), h("dl", {}, members.flatMap(({ keys, name }) => [
      h("dt", {}, keys.map((key) => h("kbd", { text: NAMES[key] ?? key }))), h("dd", { text: name })])))),
    h("section", {}, h("h3", { text: "Queries" }), h("dl", { class: "examples" }, EXAMPLES.flatMap(([query, meaning]) => [h("dt", {}, h("code", { text: query })), h("dd", { text: meaning })])))),
    h("label", { class: "check" }, h("input", { type: "checkbox", ".checked": singleKeys(), on: { change: (event) => useSingleKeys(event.target.checked) } }), "Single letters are keys"));
  dialog.showModal();
}

const NAMES = { ArrowDown: "↓", ArrowUp: "↑", ArrowLeft: "←", ArrowRight: "→", " ": "Space", Escape: "Esc" };
const EXAMPLES = [
  ["error", "the word, any case"],
  ['"connection refused" -redis', "a phrase, without a word"],
  ["status>=500 path:/cart*", "fields, with a pattern"],
  ["level>=warn ~app=shop", "levels are ordered; ~ is a label"],
  ["timeout | stats count() by pod", "a table and a chart"],
  ["| hist 5m by level", "how many over time"],
  ["| top 10 path", "the most frequent values"],
];

function grouped(bindings) {
  const groups = new Map();
  for (const each of bindings) groups.set(each.group, [...(groups.get(each.group) ?? []), each]);
  return groups;
}

/** Ask for a short text; "" when nothing was given. */
export function askName(title, value) {
  const dialog = byId("name");
  return new Promise((resolve) => {
    const input = h("input", { ".value": value, maxlength: "100", required: true, "aria-label": title, autofocus: true });
    fill(dialog, h("form", { method: "dialog", on: { submit: () => (dialog.returnValue = "yes") } }, h("h2", { text: title }), input,
      h("div", { class: "buttons" }, h("button", { type: "button", text: "Cancel", on: { click: () => dialog.close("") } }), h("button", { type: "submit", class: "primary", value: "yes", text: "Save" }))));
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? input.value.trim() : ""), { once: true });
    dialog.showModal();
    input.select();
  });
}
