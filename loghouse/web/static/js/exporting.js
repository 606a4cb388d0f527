// What can be taken away: the whole result as a file, the same question as a command, an address.

import { endpoint, selection } from "./api.js";
import { h } from "./dom.js";
import { copy } from "./notices.js";
import { address } from "./state.js";

/** Download everything that a state finds, streamed and without a cap. */
export function download(state, format) {
  const params = { ...selection(state), format, limit: 0, download: "true", fields: format === "raw" ? "" : state.cols.join(",") };
  const link = h("a", { href: endpoint("search", params), download: "" });
  document.body.append(link);
  link.click();
  link.remove();
}

/** The same question for a terminal. */
export function command(state) {
  const verb = state.live === "on" && !state.to && !state.at ? "tail" : "search";
  const parts = ["logq", verb];
  for (const name of state.ns) parts.push("-n", shell(name));
  if (verb === "search") {
    if (state.since) parts.push("--since", shell(state.since));
    if (state.from) parts.push("--from", shell(state.from));
    if (state.to) parts.push("--to", shell(state.to));
  }
  if (state.tz === "utc") parts.push("--utc");
  if (state.cols.length) parts.push("--fields", shell(state.cols.join(",")));
  if (state.q.trim()) {
    if (state.q.trim().startsWith("-")) parts.push("--");
    parts.push(shell(state.q.trim()));
  }
  return parts.join(" ");
}

/** Text as one word of a shell. */
const shell = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`);

/** The address of what is shown; with the times that are shown now, it shows the same tomorrow. */
export function copyLink(state, range = null) {
  const fixed = range ? { ...state, since: "", from: range.from, to: range.to } : state;
  return copy(new URL(address(fixed), location.href).href, "Link");
}
