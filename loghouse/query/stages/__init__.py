"""The stages of a pipeline, one module each: its node, how it is read, what it does to the rows.

To add one: write its module and name it here.
"""

from loghouse.query.stages import columns, cut, hist, sort, stats, templates, top, uniq, where
from loghouse.query.stages.stage import StageKind

KINDS = (
    StageKind(("where", "filter"), where.read, "where status >= 500"),
    StageKind(("stats", "summarize"), stats.read, "stats count() by level, pod"),
    StageKind(("hist", "timechart"), hist.read, "hist 5m by level"),
    StageKind(("sort", "order"), sort.read, "sort bytes desc"),
    StageKind(("limit", "head"), cut.read_limit, "limit 100"),
    StageKind(("offset",), cut.read_offset, "offset 100"),
    StageKind(("fields", "keep", "table"), columns.read_fields, "fields _time, pod, message"),
    StageKind(("drop",), columns.read_drop, "drop pod"),
    StageKind(("uniq", "dedup", "distinct"), uniq.read, "uniq by trace_id keep last"),
    StageKind(("top",), top.read_top, "top 5 uri"),
    StageKind(("rare",), top.read_rare, "rare 5 uri"),
    StageKind(("patterns", "cluster", "collapse_nums"), templates.read, "patterns | limit 20"),
)
STAGES = {name: kind for kind in KINDS for name in kind.names}
