// Light, dark, or as the system says. Loaded before the page is drawn, so that it never flashes.

const ORDER = ["auto", "light", "dark"];

export const theme = () => (ORDER.includes(localStorage.getItem("theme")) ? localStorage.getItem("theme") : "auto");

/** Choose one and remember it. */
export function choose(name) {
  localStorage.setItem("theme", name);
  apply();
}

/** The one after this. */
export const following = () => ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length];

function apply() {
  const name = theme();
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}

apply();
