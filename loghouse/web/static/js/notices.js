// Short messages at the edge of the page, read out by screen readers; errors stay until they are closed.

import { byId, h, iconButton } from "./dom.js";

const SHOWN = 4000; // milliseconds

/** Say something that goes by. */
export function say(text) {
  const notice = card("notice", text);
  byId("notices").append(notice);
  setTimeout(() => notice.remove(), SHOWN);
}

/** Say what went wrong; the same words are not shown twice. */
export function complain(error) {
  if (error.name === "AbortError" || error.status === 401) return;
  const text = error.hint ? `${error.message}. ${error.hint}` : error.message;
  const holder = byId("errors");
  if ([...holder.children].some((child) => child.dataset.text === text)) return;
  const notice = card("notice error", text);
  notice.dataset.text = text;
  notice.append(iconButton("cross", "Close this message", () => notice.remove()));
  holder.append(notice);
}

/** Take back what went wrong before. */
export function forget() {
  byId("errors").replaceChildren();
}

/** Put text on the clipboard and say so. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} copied`);
  } catch {
    // Without https a page has no clipboard: the text is shown, selected.
    const area = h("textarea", { readonly: true, ".value": text, "aria-label": what });
    const dialog = h("dialog", { class: "copy", "aria-label": what }, h("p", { text: "Copy it with Ctrl+C:" }), area, h("form", { method: "dialog" }, h("button", { text: "Close" })));
    document.body.append(dialog);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.showModal();
    area.select();
  }
}

const card = (kind, text) => h("div", { class: kind }, h("span", { text }));
