"""How a value, a word or a name is written so that the parser reads it back unchanged."""

from loghouse.query.lateregex import late_regex

KEYWORDS = frozenset({"and", "or", "not", "is", "in", "like", "ilike", "contains"})

# What may stand without quotes after an operator, in a list, after `key:` and as a word of its own: narrower
# than what the parser accepts, so that printing never depends on what stands around the value.
_BARE_VALUE = late_regex(r"[\w./%@\\^$-][^\s'\"`(),|\[\]]*")
_BARE_COLON_VALUE = late_regex(r"[\w./@%-][\w./@%+=,:-]*")
_BARE_GLOB = late_regex(r"[^\s'\"`()|=!<>~\[{][^\s'\"`()|]*")
_BARE_WORD = late_regex(r"[^\W\d_][\w.]*|\d[\w.]*")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})


def quoted(text: str) -> str:
    """The text as a string of the language."""
    return f'"{text.translate(_ESCAPES)}"'


def value(text: str) -> str:
    """An operand after an operator or in a list: bare where that is safe."""
    return text if _BARE_VALUE.fullmatch(text) else quoted(text)


def colon_value(text: str) -> str:
    """An operand glued to `key:`."""
    safe = _BARE_COLON_VALUE.fullmatch(text) and text.lower() not in KEYWORDS
    return text if safe else quoted(text)


def glob(parts: tuple[str, ...]) -> str:
    """A pattern glued to `key:`; only `"text"*` can be written with quotes."""
    bare = "*".join(parts)
    star_in_part = any("*" in part for part in parts)
    return bare if _BARE_GLOB.fullmatch(bare) and not star_in_part else f"{quoted(parts[0])}*"


def word(text: str) -> str:
    """A word of free text; quoted when it could be taken for a keyword or an operator."""
    return text if _BARE_WORD.fullmatch(text) and text.lower() not in KEYWORDS else quoted(text)
