// Which namespaces: several, found by typing.

import { ask } from "./api.js";
import { fill, h } from "./dom.js";
import { complain } from "./notices.js";
import { popup } from "./popup.js";
import { plain } from "./text.js";
import * as times from "./times.js";

/** What the button says. */
export function namespacesInWords(chosen) {
  if (!chosen.length) return "All namespaces";
  return chosen.length <= 2 ? chosen.map(plain).join(", ") : `${chosen.length} namespaces`;
}

/** Open the list at `button`; `choose(names)` gets what is chosen, at once. */
export function pickNamespaces(button, chosen, choose) {
  const picked = new Set(chosen);
  popup(button, (panel) => {
    const list = h("ul", { class: "checks" });
    const search = h("input", { type: "search", placeholder: "Find, or write a pattern: shop-*", "aria-label": "Find a namespace", autofocus: true });
    let known = chosen.map((name) => ({ name, last_seen: 0 }));
    const changed = () => {
      choose([...picked]);
      draw();
    };
    const draw = () => {
      const wanted = search.value.trim();
      const shown = known.filter(({ name }) => matches(name, wanted));
      fill(list, shown.map(({ name, last_seen: seen }) => h("li", {}, h("label", {},
        h("input", { type: "checkbox", ".checked": picked.has(name), on: { change: () => toggle(name) } }),
        h("span", { class: "name", text: plain(name) || "(none)" }), h("span", { class: "note", text: seen ? times.ago(seen * 1000) : "" })))));
      if (wanted.includes("*")) list.prepend(h("li", {}, h("button", { type: "button", class: "quiet", text: `Choose all that match ${wanted}`, on: { click: () => toggle(wanted) } })));
      else if (!shown.length) list.append(h("li", { class: "empty", text: "No such namespace" }));
    };
    const toggle = (name) => {
      if (picked.has(name)) picked.delete(name);
      else picked.add(name);
      if (!known.some((each) => each.name === name)) known = [{ name, last_seen: 0 }, ...known];
      changed();
    };
    search.addEventListener("input", draw);
    search.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") list.querySelector("input, button")?.focus();
      if (event.key !== "Enter") return;
      const wanted = search.value.trim();
      if (wanted.includes("*")) toggle(wanted);
      else if (wanted) loaded.then(() => {
        const first = known.find(({ name }) => matches(name, wanted));
        if (first) toggle(first.name);
      });
    });
    list.addEventListener("keydown", (event) => {
      const boxes = [...list.querySelectorAll("input, button")];
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      (boxes[boxes.indexOf(document.activeElement) + step] ?? search).focus();
    });
    fill(panel, search, list, h("button", { type: "button", class: "quiet", text: "All namespaces", on: { click: () => {
      picked.clear();
      changed();
    } } }));
    draw();
    const loaded = ask("namespaces").then((answer) => {
      known = [...known.filter(({ name }) => !answer.namespaces.some((each) => each.name === name)), ...answer.namespaces];
      draw();
    }, complain);
  }, { label: "Namespaces", kind: "namespaces" });
}

function matches(name, wanted) {
  if (!wanted.includes("*")) return name.toLowerCase().includes(wanted.toLowerCase());
  return new RegExp(`^${wanted.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`).test(name);
}
