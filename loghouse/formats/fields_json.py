"""The fields of a record as one JSON object, in SQL: for exports, where every record has to show all of its fields.

To make a map and to write it as JSON is dear. An access log line of the usual shape does not need it: its parts
lie between spaces and quotes, and hold nothing that JSON would have to escape but backslashes.
"""

from loghouse.formats.fields import text_fields_sql
from loghouse.formats.view import quoted

# For `toJSONString`: numbers that JSON does not have become text, and a slash is no special letter.
SETTINGS = {"output_format_json_quote_denormals": 1, "output_format_json_escape_forward_slashes": 0}

# No control characters, no quotes; a backslash with the character that it escapes, which is not a quote either.
_WORD = r'(?:[^\x00-\x20"\\\x7f]|\\[^\x00-\x20"\x7f])+'
_TEXT = r'(?:[^\x00-\x1f"\\\x7f]|\\[^\x00-\x1f"\x7f])*'
_REST = r"[^\x00-\x1f\x7f]*"
_USUAL_ACCESS = (
    rf"^{_WORD} {_WORD} {_WORD} \[[!#-Z^-~]+ [!#-Z^-~]+\] "
    rf'"[A-Z]+ {_WORD} HTTP/[\d.]+" \d{{3}} \d+ "{_TEXT}" "{_TEXT}"{_REST}$'
)


def fields_json_sql() -> str:
    """SQL: what `written_fields` of `render/fields.py` has of a record, as JSON text. Needs `SETTINGS`."""
    # What is a line of the program may have line breaks, what is a line of ours may not.
    of_json = "translate(raw, '\\n\\r', '  ')"
    expected = "format = 'access' AND mapKeys(numbers) = ['status', 'bytes']"
    of_text = f"if({expected} AND match(raw, {quoted(_USUAL_ACCESS)}), {_usual_access()}, {_of_map()})"
    return f"if(format = 'json', {of_json}, {of_text})"


def _usual_access() -> str:
    """The words up to the number of bytes, and the texts between quotes, all with their backslashes escaped.

    Texts that are named more than once are arguments of a lambda, and nothing in it is computed lazily: ClickHouse
    would compute them once for each time they are named.
    """
    members = (
        '\'{"client":"\', w[1], \'","ident":"\', w[2], \'","user":"\', w[3], '
        '\'","time":"\', substring(w[4], 2), \' \', substring(w[5], 1, length(w[5]) - 1), \'","method":"\', substring(w[6], 2), '
        '\'","path":"\', w[7], \'","protocol":"\', substring(w[8], 1, length(w[8]) - 1), \'",\''
    )
    end = " + ".join(f"length(q[{place}])" for place in range(1, 7))
    optional = {"referer": "q[4]", "user_agent": "q[6]", "rest": f"substring(r, 7 + {end})"}
    for name, text in optional.items():
        label = f'"{name}":"'
        there = f"notEmpty({text})"
        quotable = f"replaceAll({text}, '\"', '\\\\\"')" if name == "rest" else text
        members += (
            f", substring('{label}', 1, {there} * {len(label)}), {quotable}, substring('\",', 1, {there} * 2)"
        )
    escaped = "replaceAll(raw, '\\\\', '\\\\\\\\')"
    parts = (
        f"arrayMap((r, w, q) -> concat({members}), "
        f"[{escaped}], [splitByChar(' ', {escaped})], [splitByChar('\"', {escaped})])[1]"
    )
    return f"concat({parts}, substring(toJSONString(numbers), 2))"


def _of_map() -> str:
    """All texts and numbers in one map; it is the argument of a lambda: named twice, it would be made twice."""
    numbers = "mapApply((k, v) -> (CAST(k, 'String'), toJSONString(v)), numbers)"
    every = f"mapUpdate(mapApply((k, v) -> (k, toJSONString(v)), {text_fields_sql()}), {numbers})"
    members = "arrayMap((k, v) -> concat(toJSONString(k), ':', v), mapKeys(m), mapValues(m))"
    return f"arrayMap(m -> concat('{{', arrayStringConcat({members}, ','), '}}'), [{every}])[1]"
