"""One connection to Redis: log in, send commands in pipelines, remember what the ACL refused."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

from exporters.connection import Connection
from exporters.deadline import Deadline
from exporters.errors import Reason, ScrapeError
from exporters.redis.endpoint import Endpoint, tls_context
from exporters.redis.resp import Command, ErrorReply, Reply, encode, read_reply
from exporters.redis.settings import RedisSettings

# All answers of one scrape together: INFO, CONFIG and histograms need 0.1 MB, 10,000 clients 3.5 MB.
MOST_BYTES = 64 * 1024 * 1024
# Commands sent before their answers are read: bounds what Redis must hold for us.
_PIPELINE = 500
_LOGIN_ERRORS: dict[str, Reason] = {
    "WRONGPASS": "auth",
    "NOAUTH": "auth",
    "NOPERM": "denied",
    "LOADING": "loading",
    "MASTERDOWN": "loading",
}


@dataclass(slots=True)
class Client:
    """Use as a context manager; made by `connect`."""

    connection: Connection
    endpoint: Endpoint
    settings: RedisSettings
    deadline: Deadline
    connect_seconds: float
    # Names of commands that the user may not run.
    denied: set[str] = field(default_factory=set)
    # Why the connection cannot be used any more.
    broken: ScrapeError | None = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def call(self, *command: str | bytes | int) -> Reply:
        """The reply to one command; refusals are returned as ErrorReply."""
        return self.pipeline([command])[0]

    def demand(self, *command: str | bytes | int) -> Reply:
        """The reply to a command without which the caller has nothing; a refusal raises."""
        reply = self.call(*command)
        if isinstance(reply, ErrorReply):
            raise refusal(command, reply)
        return reply

    def pipeline(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies to many commands, with one wait for each few hundred of them."""
        if self.broken is not None:
            raise self.broken
        replies: list[Reply] = []
        try:
            for start in range(0, len(commands), _PIPELINE):
                batch = commands[start : start + _PIPELINE]
                self.connection.send(b"".join([encode(command) for command in batch]))
                replies += [read_reply(self.connection) for _ in batch]
        except ScrapeError as error:
            # The rest of a reply may still arrive: what is read next would answer another command.
            self.broken = error
            raise
        for command, reply in zip(commands, replies, strict=True):
            if isinstance(reply, ErrorReply) and reply.code == "NOPERM":
                self.denied.add(command_name(command))
        return replies


def connect(endpoint: Endpoint, settings: RedisSettings, deadline: Deadline) -> Client:
    """Connect and log in; ScrapeError says why it failed."""
    started = time.perf_counter()
    connection = Connection.open(
        endpoint.address,
        deadline,
        MOST_BYTES,
        tls_context(settings) if endpoint.tls else None,
        endpoint.server_name or None,
    )
    client = Client(connection, endpoint, settings, deadline, time.perf_counter() - started)
    try:
        _log_in(client)
    except BaseException:
        connection.close()
        raise
    return client


def refusal(command: Command, reply: ErrorReply) -> ScrapeError:
    """The ScrapeError for a refused command."""
    reason = _LOGIN_ERRORS.get(reply.code, "protocol")
    return ScrapeError(reason, f"{command_name(command)}: {reply.message}")


def command_name(command: Command) -> str:
    """`config get` for CONFIG GET *: the part that ACL rules name, and no argument that may be secret."""
    first = str(command[0]).lower()
    with_sub = first in ("config", "client", "latency", "slowlog", "cluster", "sentinel", "memory", "xinfo")
    return f"{first} {str(command[1]).lower()}" if with_sub and len(command) > 1 else first


def _log_in(client: Client) -> None:
    """AUTH and the client's name in one round trip; only AUTH must succeed."""
    endpoint = client.endpoint
    commands: list[Command] = []
    if endpoint.password:
        secret = endpoint.password.reveal()
        commands.append(("AUTH", endpoint.user, secret) if endpoint.user else ("AUTH", secret))
    if client.settings.set_client_name:
        commands.append(("CLIENT", "SETNAME", "redis_exporter"))
    if not commands:
        return
    replies = client.pipeline(commands)
    if endpoint.password and isinstance(replies[0], ErrorReply):
        raise ScrapeError("auth", replies[0].message)
