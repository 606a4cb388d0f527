"""Every endpoint of the API: its path, what it takes, who answers. OpenAPI is made of this list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loghouse.web import completing, context, counting, live, places, saved, searching
from loghouse.web.answers import CSV, EVENTS, JSON, JSON_LINES, TEXT, Answer, Stream
from loghouse.web.calls import Call
from loghouse.web.parameters import Parameter

Handler = Callable[[Call], Answer | Stream]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path. `lasts` marks answers that go on until the client leaves.

    `lenient` endpoints speak the protocol of another program: unknown parameters are passed over, and errors
    are plain text.
    """

    path: str
    answer: Handler
    summary: str
    parameters: Sequence[Parameter] = ()
    method: str = "GET"
    kinds: Sequence[str] = (JSON,)
    body: Mapping[str, Any] | None = None
    status: int = 200
    lasts: bool = False
    lenient: bool = False


V1 = "/api/v1"
ENDPOINTS: Sequence[Endpoint] = (
    Endpoint(
        f"{V1}/search",
        searching.search,
        "Records, or the table that the stages of a query make",
        searching.PARAMETERS,
        kinds=(JSON, JSON_LINES, CSV, TEXT),
    ),
    Endpoint(
        f"{V1}/tail",
        live.tail,
        "New records as server-sent events, in the order in which they are stored",
        live.PARAMETERS,
        kinds=(EVENTS,),
        lasts=True,
    ),
    Endpoint(f"{V1}/hist", counting.hist, "How many records there are over time", counting.HIST_PARAMETERS),
    Endpoint(
        f"{V1}/fields",
        counting.fields,
        "Columns, labels and fields of the newest records, with frequent values",
        counting.FIELD_PARAMETERS,
    ),
    Endpoint(
        f"{V1}/values",
        counting.values,
        "The values of a field, most frequent first",
        counting.VALUE_PARAMETERS,
    ),
    Endpoint(
        f"{V1}/patterns",
        counting.patterns,
        "Messages grouped by what stays the same",
        counting.PATTERN_PARAMETERS,
    ),
    Endpoint(f"{V1}/record", context.record, "One record, whole", context.RECORD_PARAMETERS),
    Endpoint(f"{V1}/context", context.context, "The neighbours of a record", context.CONTEXT_PARAMETERS),
    Endpoint(
        f"{V1}/complete", completing.complete, "What may stand at a place of a query", completing.PARAMETERS
    ),
    Endpoint(f"{V1}/namespaces", places.namespaces, "The namespaces that the caller may read"),
    Endpoint(f"{V1}/saved", saved.listed, "Saved queries: one's own, then those that others share"),
    Endpoint(f"{V1}/saved", saved.create, "Save a query", method="POST", body=saved.BODY_SCHEMA, status=201),
    Endpoint(
        f"{V1}/saved/{{id}}", saved.change, "Change a saved query", method="PUT", body=saved.BODY_SCHEMA
    ),
    Endpoint(f"{V1}/saved/{{id}}", saved.delete, "Delete a saved query", method="DELETE", status=204),
)
