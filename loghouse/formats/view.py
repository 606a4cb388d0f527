"""The SELECT of the ingest view: chunks of files in, parsed rows of `logs` out, all in ClickHouse.

Three rules keep it fast and keep it from ever throwing. A regular expression gets an array that has the record, or
that is empty where the record is not its business (`_of`): to run one over nothing but '' is as dear as many other
functions. A function that costs nothing for '' gets that. Everything is evaluated eagerly (the view sets
`short_circuit_function_evaluation`): with lazy branches ClickHouse computes a shared expression once for each branch,
which doubled the time. And only functions that answer bad input with NULL, '' or [] are used. `multiIf` takes texts
row by row, so of texts of which all but one are empty `concat` is the choice, and `if` of two.
"""

from collections.abc import Iterable

from loghouse.formats import level as levels
from loghouse.formats.catalogue import PACKS
from loghouse.formats.labels import labels_as_json_sql
from loghouse.formats.pack import Pack
from loghouse.record import LEVELS

HEAD_BYTES = 200  # a pack must know its lines by these
BLOCK_ROWS = 16_384  # lines parsed at a time: their columns between the steps take memory

# A time near the beginning of a line of a plain file: ISO 8601 and its kin, access logs, PHP, syslog and `date`.
STAMP = (
    r"(?:^|[\[\"(= ])("
    r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
    r"|\d\d[/-][A-Z][a-z]{2}[/-]\d{4}[: ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?: [+-]\d{4})?"
    r"|\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d(?:\.\d{1,9})?"
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?(?: \d{4})?)"
)

# Of a pair of key and text: the text may be a number. Comparing bounds is three times as fast as a regular expression,
# and the conversion that follows decides.
NUMERIC = "length(p.2) <= 24 AND p.2 >= '-' AND p.2 < ':'"


def quoted(text: str) -> str:
    """`text` as an SQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def listed(texts: Iterable[str]) -> str:
    """An SQL array literal of strings."""
    return "[" + ", ".join(map(quoted, texts)) + "]"


def number_of(pack: Pack) -> int:
    """The index `multiMatchAnyIndex` gives for the lines of this pack; 0 is no pack."""
    return PACKS.index(pack) + 1


def _of(condition: str, text: str, expression: str) -> str:
    """SQL for an array: `expression`, whose `x` is the text, or nothing where the condition does not hold."""
    return f"arrayMap(x -> {expression}, arrayWithConstant({condition}, {text}))"


def _lines(times: str) -> str:
    """Physical lines with their place in the file; a row with `span` is one record already, of one or more lines.

    Of such a row only the first line is kept, and all of it is in `whole`: an array that is chosen for each row would
    cost another copy of everything.
    """
    array, joined, column = "", "", ""
    if times:
        array = f",\n                {times} AS times"
        joined, column = ",\n            times AS line_time", ", line_time"
    return f"""
        SELECT source_id, wrapper, namespace, pod, container, node, workload, pod_uid, restart, labels_json,
            line, offset + place AS offset, if(joined, span, line_length) AS length, joined, whole{column}
        FROM
        (
            SELECT *,
                CAST({labels_as_json_sql()}, 'LowCardinality(String)') AS labels_json,
                span > 0 AS joined,
                splitByChar('\\n', data) AS lines,
                arrayMap(x -> toUInt32(length(x) + 1), lines) AS lengths,
                arrayMap((upto, len) -> upto - len, arrayCumSum(lengths), lengths) AS places,
                -- What is behind the last line end is no line.
                if(joined, 1, length(data)) AS stop,
                if(joined, data, '') AS record,
                substring(record, 1, length(record) - endsWith(record, '\\n')) AS whole{array}
            FROM {{ingest}}
        )
        ARRAY JOIN
            lines AS line,
            places AS place,
            lengths AS line_length{joined}
        WHERE place < stop"""


def unwrapped_sql(times: str = "") -> str:
    """The container runtime's part of a line taken off: time, stream and the record as the program wrote it.

    `times` is SQL for an array with the time of each of `lines`, where the times are known otherwise. `{ingest}`
    stands for the name of the source table.
    """
    stamp = "line_time" if times else _stamp()
    return f"""
    SELECT *,
        position(line, ' ') AS stamp_end,
        substring(line, stamp_end + 1, 8) AS cri_marks,
        wrapper = 'cri' AND stamp_end > 19
            AND cri_marks IN ('stdout F', 'stdout P', 'stderr F', 'stderr P') AS is_cri,
        position(line, ' ', if(is_cri, stamp_end + 8, 1)) AS tags_end,
        if(is_cri, if(tags_end = 0, length(line), tags_end), 0) AS prefix,
        JSONExtract(if(wrapper = 'docker', line, ''), 'Tuple(log String, stream String, time String)') AS entry,
        entry.3 != '' AS is_docker,
        {stamp} AS stamp,
        stamp >= toDateTime64('1970-01-02', 9, 'UTC') AND stamp < toDateTime64('2149-01-01', 9, 'UTC') AS in_range,
        if(is_docker OR joined,
            if(is_docker, substring(entry.1, 1, length(entry.1) - endsWith(entry.1, '\\n')), substring(whole, prefix + 1)),
            substring(line, prefix + 1)) AS raw,
        concat(substring(cri_marks, 1, if(is_cri, 6, 0)), if(is_docker, entry.2, '')) AS stream,
        multiIf(
            wrapper = 'cri' AND NOT is_cri, 'cri',
            wrapper = 'docker' AND NOT is_docker, 'docker',
            (is_cri OR is_docker) AND NOT ifNull(in_range, 0), 'timestamp',
            NOT isValidUTF8(raw), 'utf8', '') AS wrapper_error
    FROM
    ({_lines(times)}
    )"""


def _stamp() -> str:
    """The time of a line as its runtime, or else the line itself says."""
    heads = f"concat(substring(whole, 1, {HEAD_BYTES}), substring(x, 1, {HEAD_BYTES}))"
    # Access logs have a colon between year and hour.
    spelled = f"replaceOne(extract({heads}, {quoted(STAMP)}), ',', '.')"
    own_stamp = _of("wrapper = 'plain'", "line", f"replaceRegexpOne({spelled}, '^(.{{11}}):', '\\\\1 ')")
    return f"""parseDateTime64BestEffortOrNull(
            concat(substring(line, 1, if(is_cri, stamp_end - 1, 0)), entry.3, {own_stamp}[1]), 9, 'UTC')"""


def _recognised(source: str, is_json: str) -> str:
    """The pack of each record, and the key-value pairs of JSON records down to four levels."""
    patterns = listed(pack.pattern for pack in PACKS)
    nested = ",\n".join(
        f"""        arrayFilter(p -> startsWith(p.2, '{{'), json{depth}) AS objects{depth},
        arrayFlatten(arrayMap(
            o -> arrayMap(p -> (concat(o.1, '.', p.1), p.2), arrayFilter(
                p -> {NUMERIC} OR startsWith(p.2, '{{'), JSONExtractKeysAndValues(o.2, 'String'))),
            objects{depth})) AS json{depth + 1}"""
        for depth in (1, 2, 3)
    )
    return f"""
    SELECT *,
        startsWith(raw, '{{') AS braced,
        substring(raw, 1, if(braced, 0, {HEAD_BYTES})) AS head,
        multiMatchAnyIndex(head, {patterns}) AS pack,
        -- As strings, which is twice as fast as raw; what begins with a brace is an object then, so a string must not.
        JSONExtractKeysAndValues(replaceAll(if(braced, raw, ''), '"{{', '" {{'), 'String') AS json1,
{nested},
        {is_json} AS is_json
    FROM
    ({source}
    )"""


def _level_words() -> str:
    """The level as the record spells it: of JSON by key, of packs by their place, of other text by its look."""
    keys = listed(levels.JSON_KEYS)
    expressions: dict[str, list[str]] = {}
    for pack in PACKS:
        expressions.setdefault(pack.level, []).append(str(number_of(pack)))
    of_packs = ", ".join(
        f"extract(if(pack IN ({', '.join(packs)}), x, ''), {quoted(expression)})"
        for expression, packs in expressions.items()
        if expression
    )
    without = ", ".join(["0", *expressions.get("", [])])
    of_text = (
        f"concat(extract(substring(x, 1, 100), {quoted(levels.WORD)}) AS word, "
        f"extract(if(word = '', x, ''), {quoted(levels.SURROUNDED)}))"
    )
    return f"""
        arraySort(p -> indexOf({keys}, p.1), arrayFilter(p -> has({keys}, p.1), json1)) AS json_levels,
        concat(
            json_levels[1].2,
            JSONExtractString(if(is_json AND empty(json_levels), raw, ''), 'log', 'level')) AS json_level,
        {_of(f"pack NOT IN ({without})", "head", f"concat({of_packs})")}[1] AS pack_level,
        {_of("pack = 0 AND NOT braced", "head", of_text)}[1] AS text_level,
        lower(concat(json_level, pack_level, text_level)) AS level_word"""


def _level() -> str:
    spelled = {**levels.SPELLINGS, **levels.MARKS, **levels.NUMBERS}
    access_packs = ", ".join(str(number_of(pack)) for pack in PACKS if "status" in pack.numeric)
    words, numbers = listed(spelled), ", ".join(str(int(value)) for value in spelled.values())
    return f"""multiIf(
            pack IN ({access_packs}),
            multiIf(found[1] >= '5', {levels.ERROR}, found[1] >= '4', {levels.WARNING}, found[1] >= '1', {levels.INFO}, 0),
            transform(level_word, {words}, [{numbers}], 0))"""


def _numbers() -> str:
    """Fields whose whole text is a decimal number: of JSON, of `key=value` pairs, and the quantities of packs."""
    # Not an array of arrays with an index: ClickHouse would make a copy of all of it for every row.
    names = ", ".join(f"pack = {number_of(pack)}, {listed(pack.numeric)}" for pack in _numeric_packs())
    matches = ", ".join(
        f"arrayFlatten({_of(f'pack = {number_of(pack)}', 'raw', f'extractGroups(x, {quoted(pack.numbers)})')})"
        for pack in _numeric_packs()
    )
    monolog = next(pack for pack in PACKS if pack.name == "monolog")
    monolog_groups = _of(f"pack = {number_of(monolog)}", "raw", f"extractGroups(x, {quoted(monolog.regex)})")
    with_pairs = ", ".join(["0", *(str(number_of(pack)) for pack in PACKS if pack.pairs)])
    found = "extractKeyValuePairs(if(position(x, '=') > 0, x, ''), '=', ' ,;\\t\\r', '\"')"
    pairs = _of(
        f"NOT is_json AND pack IN ({with_pairs})", "raw", f"CAST({found}, 'Array(Tuple(String, String))')"
    )
    return f"""
        arrayConcat({matches}) AS found,
        multiIf({names}, []) AS found_names,
        arrayFlatten(arrayMap(
            g -> arrayConcat(
                arrayMap(p -> (concat('context.', p.1), p.2), JSONExtractKeysAndValues(g[5], 'String')),
                arrayMap(p -> (concat('extra.', p.1), p.2), JSONExtractKeysAndValues(g[6], 'String'))),
            {monolog_groups})) AS monolog_pairs,
        arrayFlatten({pairs}) AS text_pairs,
        arrayMap(
            p -> (p.1, if({NUMERIC}, toFloat64OrNull(p.2), NULL)),
            arrayConcat(
                arrayFilter(p -> {NUMERIC}, json1), json2, json3, json4, monolog_pairs,
                arrayMap((k, v) -> (k, v), arrayResize(found_names, length(found)), found),
                text_pairs)) AS numeric_pairs,
        CAST(arrayMap(p -> (p.1, assumeNotNull(p.2)), arrayFilter(p -> isNotNull(p.2), numeric_pairs)),
            'Map(LowCardinality(String), Float64)') AS numbers"""


def _numeric_packs() -> list[Pack]:
    return [pack for pack in PACKS if pack.numeric]


def _level_and_format() -> str:
    numbers = ", ".join(str(number_of(pack)) for pack in PACKS)
    names = listed(pack.name for pack in PACKS)
    return f"""CAST({_level()} AS Enum8({levels_enum()})) AS level,
    if(is_json, 'json', transform(pack, [{numbers}], {names}, 'text')) AS format"""


_PARSE_ERROR = """multiIf(wrapper_error != '', wrapper_error, startsWith(raw, '{"') AND NOT is_json, 'json', '') AS parse_error"""


def view_sql() -> str:
    """The whole SELECT; `{ingest}` stands for the name of the source table."""
    # A null is no string, so an object of nothing else has no pairs.
    is_json = "notEmpty(json1) OR JSONLength(if(braced AND empty(json1), raw, '')) > 0"
    return f"""SELECT
    if(ifNull(in_range, 0), assumeNotNull(stamp), now64(9, 'UTC')) AS timestamp,
    now64(3, 'UTC') AS inserted_at,
    namespace, workload, pod, container, node, pod_uid, restart, labels_json, stream,
    {_level_and_format()},
    raw,
    numbers,
    source_id, offset, toUInt32(length - length(raw)) AS overhead,
    {_PARSE_ERROR}
FROM
(
    SELECT *,{_numbers()},{_level_words()}
    FROM
    ({_recognised(unwrapped_sql(), is_json)}
    )
)
SETTINGS short_circuit_function_evaluation = 'disable', max_block_size = {BLOCK_ROWS},
    output_format_json_escape_forward_slashes = 1"""


def read_sql(source: str) -> str:
    """The columns `level`, `format`, `numbers` and `parse_error` beside those of the SELECT `source`, which has `raw` and
    `wrapper_error`: each is computed only where a query asks for it.
    """
    return f"""SELECT *, {_level_and_format()}, {_PARSE_ERROR}
FROM
(
    SELECT *,{_numbers()},{_level_words()}
    FROM
    ({_recognised(source, "JSONLength(if(braced, raw, '')) > 0")}
    )
)"""


def levels_enum() -> str:
    """The members of the Enum8 of the column `level`."""
    return ", ".join(f"{quoted(name)} = {number}" for number, name in enumerate(LEVELS))
