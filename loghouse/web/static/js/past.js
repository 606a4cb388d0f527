// What was asked before, in this browser only.

const KEY = "queries";
const MOST = 50;

/** The queries of before, the newest first. */
export function all() {
  try {
    const known = JSON.parse(localStorage.getItem(KEY) || "[]");
    return Array.isArray(known) ? known.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
}

/** Keep a query. */
export function remember(query) {
  const text = query.trim();
  if (!text) return;
  localStorage.setItem(KEY, JSON.stringify([text, ...all().filter((each) => each !== text)].slice(0, MOST)));
}
