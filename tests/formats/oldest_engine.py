"""Runs inside an environment of its own with an old chdb: statements and queries from stdin, answers as JSON."""

import json
import sys

from chdb import session  # type: ignore[import-not-found,unused-ignore]

work = json.load(sys.stdin)
engine = session.Session()
engine.query("CREATE DATABASE loghouse")
engine.query("USE loghouse")
for statement in work["statements"]:
    engine.query(statement)
answers = []
for query in work["queries"]:
    quoted = {
        name: str(value).replace("\\", "\\\\").replace("'", "\\'") for name, value in query["params"].items()
    }
    # In one go: an old engine forgets a setting from one call to the next.
    settings = "".join(f"SET param_{name} = '{text}';" for name, text in quoted.items())
    rows = engine.query(settings + query["sql"], "JSONCompactEachRow")
    answers.append([json.loads(line) for line in str(rows).splitlines()])
json.dump(answers, sys.stdout)
