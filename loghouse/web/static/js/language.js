// The words of a query, for its colours and for marking what was found. The server's parser decides what they mean.

const STAGES = new Set(
  "where filter stats summarize count hist timechart top rare patterns cluster collapse_nums sort order limit head offset uniq dedup distinct fields keep table drop delete".split(" "),
);
const KEYWORDS = new Set("and or not in is like ilike contains by as if asc desc keep".split(" "));
const TOKEN = /(#[^\n]*)|("(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|`[^`]*`?)|(\|)|(:?[=<>~!]+|:)|(-?\d[\w.:-]*)|([@\w~][\w.@/*-]*)|(\s+)|(.)/gy;

/** Pieces of a query as `{text, kind}`; together they are the query. */
export function pieces(query) {
  const found = [];
  TOKEN.lastIndex = 0;
  let stage = false;
  let operand = false;
  for (let match = TOKEN.exec(query); match; match = TOKEN.exec(query)) {
    const [text, comment, string, bar, operator, number, word, space] = match;
    let kind = "other";
    if (comment) kind = "comment";
    else if (string) kind = "string";
    else if (bar) kind = "bar";
    else if (operator) kind = "operator";
    else if (number) kind = operand ? "value" : "number";
    else if (word) kind = wordKind(query, TOKEN.lastIndex, word, stage, operand);
    else if (space) kind = "space";
    found.push({ text, kind });
    if (bar) stage = true;
    else if (!space) stage = false;
    if (operator) operand = true;
    else if (!space) operand = false;
  }
  return found;
}

const TABLES = new Set("stats summarize count hist timechart top rare facets field_names columns field_values values patterns cluster".split(" "));

/** Whether a stage of the query makes a table out of lines. */
export const makesTable = (query) => pieces(query).some(({ text, kind }) => kind === "stage" && TABLES.has(text.toLowerCase()));

function wordKind(query, end, word, stage, operand) {
  if (stage && STAGES.has(word.toLowerCase())) return "stage";
  if (operand) return "value";
  if (KEYWORDS.has(word.toLowerCase())) return "keyword";
  const rest = query.slice(end, end + 20);
  if (/^\s*(==|!=|=~|!~|>=|<=|[=<>])|^:(?!\/\/)|^\s+(not\s+)?(in\s*\(|is\s|like\s|ilike\s|contains\s)/i.test(rest)) return "key";
  return rest.startsWith("(") ? "function" : "word";
}

/** A regular expression for the words that a query looks for, null when there are none. */
export function foundWords(query) {
  const words = [];
  let negated = false;
  let operand = false;
  for (const { text, kind } of pieces(query)) {
    if (kind === "bar") break;
    if (kind === "space") continue;
    const free = kind === "word" || (kind === "string" && !operand) || (kind === "number" && !operand);
    if (free && !negated) words.push(kind === "string" ? text.slice(1, text.length > 1 ? -1 : undefined) : text.replace(/\*$/, ""));
    negated = (kind === "keyword" && text.toLowerCase() === "not") || text === "-" || text === "!";
    operand = kind === "operator" || (kind === "keyword" && /^(in|is|like|ilike|contains)$/i.test(text));
  }
  const wanted = words.filter((word) => word.length > 1 && !word.startsWith("~")).map((word) => word.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"));
  return wanted.length ? new RegExp(wanted.join("|"), "gi") : null;
}
