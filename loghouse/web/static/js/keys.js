// Keys of the whole page. Single letters work where nobody types, and can be switched off.

const KEY = "single-keys";

export const singleKeys = () => localStorage.getItem(KEY) !== "off";
export const useSingleKeys = (yes) => localStorage.setItem(KEY, yes ? "on" : "off");

/** Every key: what it is called, what it does, and its group in the help. */
export function listen(bindings) {
  const known = new Map(bindings.flatMap((binding) => binding.keys.map((key) => [key, binding])));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    const target = event.target;
    const typing = target.closest?.("input, textarea, select, [contenteditable]");
    if (typing || document.querySelector("dialog[open]") || target.closest?.(".popup")) return;
    const binding = known.get(event.key);
    if (!binding || (!singleKeys() && event.key.length === 1)) return;
    // Buttons and links keep the keys that press them; the chart and tabs keep their arrows.
    const own = target.closest?.("button, a, summary");
    if (own && (event.key === "Enter" || event.key === " ")) return;
    if (binding.rows && target.closest?.("[role=tablist], .area, .table-holder, pre, table.patterns, .field-list, #tabs")) return;
    event.preventDefault();
    binding.action(event);
  });
}
