// Who is reading, and the way in when nobody is.

import { ask, send, useToken } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { menu } from "./popup.js";
import { plain } from "./text.js";

/** Learn who is reading; the person, or null when he has to log in. */
export async function whoami() {
  try {
    const person = await ask("me");
    useToken(person.csrf);
    if (person.mode !== "none") showPerson(person);
    return person;
  } catch (error) {
    return null; // 401 opened the login; other errors come again with the search
  }
}

function showPerson(person) {
  const button = byId("user");
  button.hidden = false;
  button.textContent = plain(person.user);
  button.onclick = () => menu(button, [
    { label: `Reads ${person.namespaces.map(plain).join(", ") || "nothing"}`, disabled: true, action: () => {} },
    person.csrf && { label: "Log out", action: async () => {
      await send("POST", "/logout");
      location.reload();
    } },
  ], "You");
}

document.addEventListener("login-needed", (event) => {
  const dialog = byId("login");
  if (dialog.open) return;
  const { mode, message, hint } = event.detail;
  if (mode === "oidc") fill(dialog, oidc());
  else if (mode === "users") fill(dialog, passwords(dialog));
  else if (mode) fill(dialog, h("h2", { text: "No access" }), h("p", { text: `${message}. ${hint}` }));
  else {
    ask("me").catch(() => {}); // which says how people log in here
    return;
  }
  dialog.addEventListener("cancel", (closing) => closing.preventDefault());
  dialog.showModal();
});

function oidc() {
  const next = encodeURIComponent(location.pathname + location.search);
  return h("div", {}, h("h2", { text: "Log in to read logs" }), h("a", { class: "button primary", href: `/login/oidc?next=${next}`, text: "Log in" }));
}

function passwords(dialog) {
  const user = h("input", { name: "user", autocomplete: "username", required: true, autofocus: true });
  const password = h("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
  const said = h("p", { class: "error", role: "alert" });
  return h("form", { on: { submit: async (event) => {
    event.preventDefault();
    said.textContent = "";
    try {
      await send("POST", "/login", { user: user.value, password: password.value });
      dialog.close();
      location.reload();
    } catch (error) {
      said.textContent = error.hint ? `${error.message}. ${error.hint}` : error.message;
      password.select();
    }
  } } }, h("h2", { text: "Log in to read logs" }), h("label", {}, "Name", user), h("label", {}, "Password", password), said, h("button", { type: "submit", class: "primary", text: "Log in" }));
}
