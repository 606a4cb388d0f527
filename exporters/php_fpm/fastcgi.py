"""A FastCGI client for one request, as small as status pages need it."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from exporters.connection import Address, Connection
from exporters.deadline import Deadline
from exporters.errors import ScrapeError

# Version, type, request id, length of the content, length of the padding.
_HEADER = struct.Struct(">BBHHBx")
_VERSION, _REQUEST_ID = 1, 1
_BEGIN_REQUEST, _END_REQUEST, _PARAMS, _STDIN, _STDOUT = 1, 3, 4, 5, 6
_RESPONDER = 1


@dataclass(frozen=True, slots=True)
class CgiAnswer:
    """What a script or PHP-FPM itself answered."""

    status: int
    body: bytes


def get(address: Address, path: str, query: str, deadline: Deadline, limit: int) -> CgiAnswer:
    """GET `path` as script name and file name at once: right for status pages and for scripts.

    ScrapeError when the answer is late, not FastCGI, broken off, or longer than `limit` bytes.
    """
    parameters = {
        "SCRIPT_NAME": path,
        "SCRIPT_FILENAME": path,
        "REQUEST_URI": f"{path}?{query}" if query else path,
        "QUERY_STRING": query,
        "REQUEST_METHOD": "GET",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "GATEWAY_INTERFACE": "CGI/1.1",
    }
    with Connection.open(address, deadline, limit) as connection:
        connection.send(request(parameters))
        return _split(_read_output(connection))


def request(parameters: Mapping[str, str]) -> bytes:
    """The bytes of a whole request without a body; the server closes the connection after its answer."""
    pairs = b"".join(_pair(name, value) for name, value in parameters.items())
    begin = struct.pack(">HB5x", _RESPONDER, 0)
    return (
        _record(_BEGIN_REQUEST, begin)
        + _record(_PARAMS, pairs)
        + _record(_PARAMS, b"")
        + _record(_STDIN, b"")
    )


def _record(kind: int, content: bytes) -> bytes:
    if len(content) > 65535:
        raise ScrapeError("config", "the path of the request is too long")
    return _HEADER.pack(_VERSION, kind, _REQUEST_ID, len(content), 0) + content


def _pair(name: str, value: str) -> bytes:
    raw = value.encode("utf-8", "surrogateescape")
    return _length(len(name)) + _length(len(raw)) + name.encode() + raw


def _length(size: int) -> bytes:
    return bytes([size]) if size < 128 else struct.pack(">I", size | 0x80000000)


def _read_output(connection: Connection) -> bytes:
    """Standard output up to the end of the request; what goes to standard error is dropped."""
    output = []
    while True:
        version, kind, request, size, padding = _HEADER.unpack(connection.read_exactly(_HEADER.size))
        if version != _VERSION or request not in (0, _REQUEST_ID):
            raise ScrapeError("protocol", "the answer is not FastCGI")
        content = connection.read_exactly(size + padding)[:size]
        if kind == _STDOUT:
            output.append(content)
        elif kind == _END_REQUEST:
            if len(content) < 5 or content[4]:
                raise ScrapeError("protocol", "the FastCGI server refused the request")
            return b"".join(output)


def _split(output: bytes) -> CgiAnswer:
    """CGI headers and body; no Status header means 200."""
    head, separator, body = output.partition(b"\r\n\r\n")
    if not separator:
        raise ScrapeError("protocol", "the answer has no CGI headers")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"status":
            code = value.split()[:1]
            if not code or not code[0].isdigit() or len(code[0]) != 3:
                raise ScrapeError("protocol", "the answer has no valid status")
            return CgiAnswer(int(code[0]), body)
    return CgiAnswer(200, body)
