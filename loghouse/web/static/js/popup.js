// Panels and menus that open at a button: Escape and a click elsewhere close them, and the focus goes back.

import { h } from "./dom.js";

const GAP = 4;
let current = null;

/** Open a panel at `button`, or close it; `build(panel, close)` fills it. */
export function popup(button, build, { role = "dialog", label = "", kind = "" } = {}) {
  const again = current?.button === button;
  close();
  if (again) return;
  const panel = h("div", { class: `popup ${kind}`, role, "aria-label": label || button.getAttribute("aria-label") || button.textContent, tabindex: "-1" });
  document.body.append(panel);
  current = { panel, button };
  button.setAttribute("aria-expanded", "true");
  build(panel, close);
  place(panel, button);
  (panel.querySelector("[autofocus], input, button, [tabindex='0']") || panel).focus({ preventScroll: true });
}

/** Close what is open; the focus goes back to its button. */
export function close({ focus = true } = {}) {
  if (!current) return;
  const { panel, button } = current;
  const inside = panel.contains(document.activeElement) || document.activeElement === document.body;
  current = null;
  panel.remove();
  button.setAttribute("aria-expanded", "false");
  if (focus && inside && button.isConnected) button.focus({ preventScroll: true });
}

/** Open a menu of `{label, action, checked, disabled, note}`; null draws a line. */
export function menu(button, items, label = "") {
  popup(
    button,
    (panel) => {
      for (const item of items.filter((each) => each !== undefined && each !== false)) panel.append(item === null ? h("hr") : entry(item));
      panel.addEventListener("keydown", moved);
    },
    { role: "menu", label, kind: "menu" },
  );
}

function entry({ label, action, checked, disabled, note }) {
  const checkable = checked !== undefined;
  return h(
    "button",
    {
      type: "button",
      role: checkable ? "menuitemcheckbox" : "menuitem",
      "aria-checked": checkable ? String(checked) : null,
      disabled,
      on: {
        click: () => {
          close();
          action();
        },
      },
    },
    h("span", { text: label }),
    note ? h("span", { class: "note", text: note }) : null,
  );
}

function moved(event) {
  const entries = [...event.currentTarget.querySelectorAll("button:not(:disabled)")];
  const at = entries.indexOf(document.activeElement);
  const steps = { ArrowDown: at + 1, ArrowUp: at - 1 + entries.length, Home: 0, End: entries.length - 1 };
  if (!(event.key in steps)) return;
  event.preventDefault();
  event.stopPropagation();
  entries[steps[event.key] % entries.length]?.focus();
}

function place(panel, button) {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = panel;
  const left = Math.max(GAP, Math.min(at.left, innerWidth - width - GAP));
  const below = at.bottom + GAP + height <= innerHeight || at.top < height;
  const top = below ? at.bottom + GAP : at.top - height - GAP;
  panel.style.left = `${left}px`;
  panel.style.top = `${Math.max(GAP, Math.min(top, innerHeight - height - GAP))}px`;
}

document.addEventListener("pointerdown", (event) => {
  if (current && !current.panel.contains(event.target) && !current.button.contains(event.target)) close({ focus: false });
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !current) return;
  event.stopPropagation();
  close();
}, true);
window.addEventListener("resize", () => close({ focus: false }));
