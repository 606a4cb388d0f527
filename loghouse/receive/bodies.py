"""Bodies of HTTP requests to records: JSON lines, Loki's push, Elasticsearch's bulk, OTLP logs."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from loghouse.receive.inflate import Broken
from loghouse.receive.kubernetes import line_of, of_labels, of_tag, output_of, stream_of
from loghouse.receive.streams import Received, Sorter, Stream, whole_lines

BILLION = 1_000_000_000
_SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


def json_lines(body: bytes, parameters: Mapping[str, str]) -> Received:
    """One record a line. Only lines that may name a pod themselves are looked at one by one."""
    stream = of_labels(parameters)
    if b'"kubernetes"' not in body:
        return whole_lines(stream, body)
    sorter = Sorter()
    for line in body.split(b"\n"):
        if line.strip():
            record = _object(line)
            if isinstance(record.get("kubernetes"), dict):
                text = line_of(record)
                raw = line.strip() if text is None else text.encode(errors="replace")
                sorter.add(stream_of("", record), 0, 0, raw, output_of(record))
            else:
                sorter.add(stream, 0, 0, line.strip())
    return sorter.received()


def loki(body: bytes, protobuf: bool) -> Received:
    """A push of Loki, as JSON or as the protobuf inside of snappy."""
    sorter = Sorter()
    for labels, entries in _loki_protobuf(body) if protobuf else _loki_json(body):
        stream = of_labels(labels)
        for nanoseconds, line in entries:
            if nanoseconds is None or not isinstance(line, str):
                sorter.bad += 1
                continue
            sorter.add(stream, *divmod(nanoseconds, BILLION), line.encode(errors="replace").rstrip(b"\n"))
    return sorter.received()


Streams = Iterator[tuple[dict[str, Any], Iterator[tuple[int | None, Any]]]]


def _loki_json(body: bytes) -> Streams:
    streams = _document(body).get("streams")
    if not isinstance(streams, list):
        raise Broken(
            'a push without "streams"', 'Send {"streams": [{"stream": {}, "values": [["NS", "line"]]}]}'
        )
    for one in streams:
        if not isinstance(one, dict) or not isinstance(one.get("values"), list):
            raise Broken('a stream without "values"')
        labels = one.get("stream")
        yield labels if isinstance(labels, dict) else {}, map(_loki_entry, one["values"])


def _loki_entry(value: Any) -> tuple[int | None, Any]:
    try:
        return int(value[0]), value[1]
    except (TypeError, ValueError, IndexError, KeyError):
        return None, None


def _loki_protobuf(body: bytes) -> Streams:
    from google.protobuf.message import DecodeError

    from loghouse.receive.lokiproto import push_request, selector

    request = push_request()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise Broken(f"not a push request ({error})") from None
    for one in request.streams:
        entries = (
            (entry.timestamp.seconds * BILLION + entry.timestamp.nanos, entry.line) for entry in one.entries
        )
        yield selector(one.labels), entries


def bulk(body: bytes, index: str) -> tuple[Received, list[dict[str, Any]]]:
    """Elasticsearch's bulk: the records and an answer for each item."""
    sorter = Sorter()
    items: list[dict[str, Any]] = []
    lines = iter(body.split(b"\n"))
    for line in lines:
        if not line.strip():
            continue
        action, target = _action(line)
        meta = {"_index": target.get("_index") or index, "_id": target.get("_id") or f"{len(items)}"}
        if action not in ("index", "create"):
            if action == "update":
                next(lines, b"")
            items.append(
                {action: _item_error(meta, "only index and create are possible: records do not change")}
            )
            continue
        document = next(lines, b"").strip()
        record = _object(document)
        if not document.startswith(b"{") or (not record and document != b"{}"):
            sorter.bad += 1
            items.append({action: _item_error(meta, "the document is no JSON object")})
            continue
        text = line_of(record)
        raw = document if text is None else text.encode(errors="replace")
        sorter.add(_bulk_stream(meta["_index"], record), *_bulk_time(record), raw, output_of(record))
        items.append({action: {**meta, "_version": 1, "result": "created", "status": 201, "_seq_no": 0}})
    return sorter.received(), items


def _action(line: bytes) -> tuple[str, dict[str, Any]]:
    value = _object(line)
    if len(value) == 1:
        action, target = next(iter(value.items()))
        if isinstance(target, dict) and action in ("index", "create", "update", "delete"):
            return action, target
    raise Broken(
        "malformed action line in _bulk", 'Each document needs a line such as {"create": {}} before it'
    )


def _item_error(meta: dict[str, Any], reason: str) -> dict[str, Any]:
    return {**meta, "status": 400, "error": {"type": "document_parsing_exception", "reason": reason}}


def _bulk_stream(index: str, record: Mapping[str, Any]) -> Stream:
    kubernetes = record.get("kubernetes")
    if isinstance(kubernetes, dict) and isinstance(kubernetes.get("pod"), dict):  # as Filebeat writes it
        pairs = {
            "pod": kubernetes["pod"].get("name"),
            "pod_uid": kubernetes["pod"].get("uid"),
            "namespace": kubernetes.get("namespace"),
            "container": (kubernetes.get("container") or {}).get("name"),
            "node": (kubernetes.get("node") or {}).get("name"),
        }
        return of_labels({**(kubernetes.get("labels") or {}), **{k: v for k, v in pairs.items() if v}})
    return stream_of(index, record) if isinstance(kubernetes, dict) else of_tag(index)


def _bulk_time(record: Mapping[str, Any]) -> tuple[int, int]:
    from datetime import UTC, datetime

    value = record.get("@timestamp") or record.get("timestamp")
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return int(moment.timestamp() // 1), moment.microsecond * 1000
        if isinstance(value, (int, float)):
            return divmod(int(value * 1_000_000), BILLION)  # milliseconds
    except (ValueError, OverflowError):
        pass
    return 0, 0


def otlp(body: bytes, protobuf: bool) -> Received:
    """Logs of OTLP/HTTP."""
    document = _otlp_protobuf(body) if protobuf else _document(body)
    sorter = Sorter()
    for resource in document.get("resourceLogs") or ():
        attributes = _attributes((resource.get("resource") or {}).get("attributes"))
        stream = of_labels(attributes)
        for scope in resource.get("scopeLogs") or ():
            for record in scope.get("logRecords") or ():
                try:
                    _add_otlp(sorter, stream, record, protobuf)
                except (TypeError, ValueError, AttributeError, KeyError, RecursionError):
                    sorter.bad += 1
    return sorter.received()


def _otlp_protobuf(body: bytes) -> dict[str, Any]:
    from google.protobuf.json_format import MessageToDict
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    request = ExportLogsServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise Broken(f"not an export request of OTLP logs ({error})") from None
    document: dict[str, Any] = MessageToDict(request)
    return document


def _add_otlp(sorter: Sorter, stream: Stream, record: dict[str, Any], protobuf: bool) -> None:
    import orjson

    nanoseconds = int(record.get("timeUnixNano") or 0) or int(record.get("observedTimeUnixNano") or 0)
    body = _any(record.get("body"))
    fields = dict(body) if isinstance(body, dict) else {"message": body}
    severity = record.get("severityText") or _severity(record.get("severityNumber"))
    if severity:
        fields.setdefault("level", severity)
    for field, known in (("traceId", "trace_id"), ("spanId", "span_id")):
        if value := record.get(field):
            fields[known] = base64.b64decode(value).hex() if protobuf else value
    for key, value in _attributes(record.get("attributes")).items():
        fields.setdefault(key, value)
    sorter.add(stream, *divmod(nanoseconds, BILLION), orjson.dumps(fields))


def _severity(number: object) -> str:
    """SEVERITY_NUMBER_INFO2 or 10 is INFO."""
    if isinstance(number, str):
        return number.removeprefix("SEVERITY_NUMBER_").rstrip("0123456789").replace("UNSPECIFIED", "")
    return _SEVERITIES[min((number - 1) // 4, 5)] if isinstance(number, int) and number > 0 else ""


def _attributes(pairs: Any) -> dict[str, Any]:
    return {
        pair["key"]: _any(pair.get("value"))
        for pair in pairs or ()
        if isinstance(pair, dict) and "key" in pair
    }


def _any(value: Any) -> Any:
    """OTLP's AnyValue."""
    if not isinstance(value, dict) or not value:
        return None
    kind, content = next(iter(value.items()))
    if kind == "intValue":
        return int(content)
    if kind == "arrayValue":
        return [_any(item) for item in (content or {}).get("values") or ()]
    if kind == "kvlistValue":
        return _attributes((content or {}).get("values"))
    return content


def _document(body: bytes) -> dict[str, Any]:
    import orjson

    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Broken(f"the body is no JSON ({error})") from None
    if not isinstance(value, dict):
        raise Broken("the body is no JSON object")
    return value


def _object(line: bytes) -> dict[str, Any]:
    """The object in a line; nothing for a line that is none."""
    import orjson

    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
