// From what somebody clicks to the text of a query: names and values spelled so that the parser reads them back.

// Names that always mean a column, whatever a record holds: a record's own field of that name stands in backticks.
const COLUMN_NAMES = new Set(
  "namespace ns pod pod_name container container_name node host workload stream format level severity lvl message log msg _msg body raw timestamp _time @timestamp".split(" "),
);
const KEYWORDS = new Set("and or not is in like ilike contains has missing i".split(" "));
const PLAIN = /^[A-Za-z@_][\w.@-]*$/;

/** How a field of a record is called in a query; null for a name that no query can hold. */
export function fieldKey(name) {
  if (PLAIN.test(name) && !COLUMN_NAMES.has(name) && !KEYWORDS.has(name.toLowerCase()) && !/^labels?\./.test(name)) return name;
  return name.includes("`") || name.includes("\n") ? null : `\`${name}\``;
}

/** How a label is called; null when no query can hold it. */
export const labelKey = (name) => (/^[A-Za-z][\w./-]*$/.test(name) ? `~${name}` : null);

/** The name that a record's fields have for a key. */
export const fieldName = (key) => (key.startsWith("`") ? key.slice(1, -1) : key);

/** A string of the language. */
const quoted = (text) => `"${text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n").replace(/\t/g, "\\t")}"`;

/** The condition that a field has this value, or has not. */
export function condition(key, value, negated = false) {
  if (value === null) return negated ? `not ${key} is null` : `${key} is null`;
  if (typeof value === "boolean") return `${negated ? "not " : ""}${key} is ${value}`;
  if (typeof value === "number" || typeof value === "bigint") return `${key}${negated ? "!=" : "="}${value}`;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (text === "") return negated ? `has(${key})` : `missing(${key})`;
  if (/^(level|severity|lvl)$/.test(key)) return `${key}${negated ? "!=" : "="}${text}`;
  // `%` is a wildcard of `=`; `==` knows none.
  if (!text.includes("%")) return `${key}${negated ? "!=" : "="}${quoted(text)}`;
  return negated ? `not ${key}==${quoted(text)}` : `${key}==${quoted(text)}`;
}

/** The condition of a value whose type is not known: a number is meant as number and as text. */
export const conditionOfText = (key, text, negated) =>
  /^-?\d+(\.\d+)?$/.test(text) ? `${key}${negated ? "!=" : "="}${text}` : condition(key, text, negated);

/** What stands in a pattern for text that changes. */
export const PLACEHOLDERS = /<(?:num|ip|uuid|hex|quoted|time|id|\*)>/;

/** A pattern of the patterns view as a condition on the message. */
export function patternCondition(pattern, negated = false) {
  return `message${negated ? "!~" : "=~"}\`(?s)^${pattern.split(PLACEHOLDERS).map(loosely).join(".*")}$\``;
}

// A piece of a pattern as a regular expression. Names of JSON have lost their quotes in a pattern, backticks cannot be written.
function loosely(piece) {
  return piece.split(/([A-Za-z_@][\w.@-]*):/).map((part, place) => {
    const text = part.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&").replace(/`/g, ".").replace(/\s+/g, "\\s+");
    return place % 2 ? `"?${text}"? ?:` : text;
  }).join("");
}

/** A query narrowed by a condition. `canonical` is how the server prints the query, where every bar stands free. */
export function narrowed(query, canonical, term) {
  const text = query.trim();
  if (!text || text === "*") return term;
  const source = /[|#()]|\bor\b/i.test(text) && canonical ? canonical : text;
  const [filter, stages] = split(source);
  if (!filter || filter === "*") return term + stages;
  if (filter.split(/\s+(?:and\s+)?/).includes(term) || filter.endsWith(term)) return query;
  return `${hasOr(filter) ? `(${filter})` : filter} ${term}${stages}`;
}

/** Filter and stages (with their first bar) of a query, bars inside strings passed over. */
export function split(query) {
  const bar = outside(query, /\|/);
  return bar < 0 ? [query.trim(), ""] : [query.slice(0, bar).trim(), ` ${query.slice(bar)}`];
}

const hasOr = (filter) => outside(filter, /\bor\b/i) >= 0;

// Where the first match lies that is neither in a string nor in brackets.
function outside(text, wanted) {
  const tokens = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|[()]|\bor\b|\|/gi;
  let depth = 0;
  for (const found of text.matchAll(tokens)) {
    if (found[0] === "(") depth += 1;
    else if (found[0] === ")") depth -= 1;
    else if (depth <= 0 && found[0].length <= 2 && wanted.test(found[0])) return found.index;
  }
  return -1;
}
