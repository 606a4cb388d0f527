"""The stages of a pipeline, one module each: its node, how it is read, what it does to the rows.

To add one: write its module and name it here.
"""

from loghouse.query.stages.stage import StageKind

KINDS = (
    StageKind(("where", "filter"), "where.read", "where status >= 500"),
    StageKind(("stats", "summarize"), "stats.read", "stats count() by level, pod"),
    StageKind(("hist", "timechart"), "hist.read", "hist 5m by level"),
    StageKind(("sort", "order"), "sort.read", "sort bytes desc"),
    StageKind(("limit", "head"), "cut.read_limit", "limit 100"),
    StageKind(("offset",), "cut.read_offset", "offset 100"),
    StageKind(("fields", "keep", "table"), "columns.read_fields", "fields _time, pod, message"),
    StageKind(("drop", "delete"), "columns.read_drop", "drop pod"),
    StageKind(("uniq", "dedup", "distinct"), "uniq.read", "uniq by trace_id keep last"),
    StageKind(("top",), "top.read_top", "top 5 uri"),
    StageKind(("rare",), "top.read_rare", "rare 5 uri"),
    StageKind(("patterns", "cluster", "collapse_nums"), "patterns.read", "patterns | limit 20"),
    StageKind(("json", "unpack_json"), "unpack.read_json", "json from payload"),
    StageKind(("logfmt", "unpack_logfmt"), "unpack.read_logfmt", "logfmt"),
    StageKind(("pattern", "extract"), "extract.read_pattern", "pattern '<ip> <_> \"<method> <uri> <_>\"'"),
    StageKind(("regexp", "extract_regexp"), "extract.read_regexp", "regexp 'took (?P<took>[0-9]+)'"),
    StageKind(("syslog",), "extract.read_syslog", "syslog"),
    StageKind(("eval", "math", "label_format"), "eval.read", "eval rate = bad / n"),
    StageKind(("format", "line_format"), "format.read", 'format "{user} {status}"'),
    StageKind(("replace",), "replace.read_replace", 'replace ("old", "new")'),
    StageKind(("replace_regexp",), "replace.read_regexp", 'replace_regexp ("id=[0-9]+", "id=N")'),
    StageKind(("mask",), "mask.read_mask", "mask email, ip"),
    StageKind(("decolorize",), "mask.read_decolorize", "decolorize"),
    StageKind(("rename",), "rename.read_rename", "rename status as code"),
    StageKind(("copy", "as"), "rename.read_copy", "copy status as code"),
    StageKind(("unroll",), "unroll.read", "unroll tags"),
    StageKind(("sample",), "sample.read", "sample 100"),
    StageKind(("first",), "ends.read_first", "first 5 by _time"),
    StageKind(("last", "tail"), "ends.read_last", "last 5 by _time"),
    StageKind(("total",), "window.read_total", "total count() as all by pod"),
    StageKind(("running",), "window.read_running", "running sum(bytes) as so_far"),
    StageKind(("context", "stream_context"), "context.read", "context before 5 after 20 across pod"),
    StageKind(("compare",), "compare.read", "compare 1d by pattern"),
    StageKind(("facets",), "facets.read_facets", "facets 5"),
    StageKind(("field_names", "columns"), "facets.read_names", "field_names"),
    StageKind(("field_values", "values"), "facets.read_values", "field_values status"),
)
STAGES = {name: kind for kind in KINDS for name in kind.names}
