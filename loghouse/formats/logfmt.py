"""logfmt: a line that begins with two `key=value` pairs. Pairs inside other text are fields as well."""

from loghouse.formats.pack import Pack

PACK = Pack(
    name="logfmt",
    pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*=(\"[^\"]*\"|[^ \"]*) [A-Za-z_][A-Za-z0-9_.-]*=",
    level=r"\b(?:level|lvl|severity|loglevel)=\"?([A-Za-z]+)",
    pairs=True,
)
