"""One client from its handshake to its end: packets in, statements to the engine, packets out."""

from __future__ import annotations

import hmac
import select
import socket
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

from loghouse.embedded import frames, packets, revisions
from loghouse.embedded.blocks import Block, header, outgoing, read_block
from loghouse.embedded.engine import QUERY_WAS_CANCELLED, Engine, EngineError
from loghouse.embedded.insertion import Insertion
from loghouse.embedded.merges import BULK_BYTES, Merges
from loghouse.embedded.outbox import Outbox
from loghouse.embedded.outside import Inside
from loghouse.embedded.packets import Ask, Hello, Query
from loghouse.embedded.session import STREAMED, Session
from loghouse.embedded.statement import Insert, NotOneStatement, Statement, read_statement
from loghouse.embedded.watch import Watch, Watched
from loghouse.embedded.wire import Disconnected, ProtocolError, SocketWindow, Window

HANDSHAKE_LIMIT = 10  # seconds for all of it
PATIENCE = 300  # seconds without a byte inside a packet, or without the client taking its answer
IDLE_LIMIT = 3600  # seconds between two statements
REST_AFTER = 5  # seconds, then the memory of big blocks is given back

MERGING = frozenset((b"OPTIMIZE", b"SYSTEM"))  # statements that merge, or say whether

SYNTAX_ERROR = 62
NOT_IMPLEMENTED = 48
UNKNOWN_SETTING = 115
AUTHENTICATION_FAILED = 516
UNKNOWN_PACKET = 99

HTTP_ANSWER = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    b"This port speaks the native protocol of ClickHouse, not HTTP.\r\n"
)


@dataclass(frozen=True, slots=True)
class Account:
    """Who may connect."""

    user: str = "default"
    password: str = field(default="", repr=False)

    def admits(self, hello: Hello) -> bool:
        """Whether name and password are right; takes the same time wherever they differ."""
        name = hmac.compare_digest(hello.user, self.user.encode())
        return hmac.compare_digest(hello.password, self.password.encode()) and name


class Conversation:
    """Runs in its own thread; `hang_up` may be called from any."""

    def __init__(
        self,
        connection: socket.socket,
        engine: Engine,
        watch: Watch,
        merges: Merges,
        account: Account,
        inside: Inside | None = None,
    ) -> None:
        """`inside` says which statements stay inside of the store, None that all may run."""
        self._connection = connection
        self._engine = engine
        self._watch = watch
        self._merges = merges
        self._account = account
        self._inside = inside
        self._window = SocketWindow(connection, PATIENCE)
        self._unpacked: Window | None = None
        self._outbox = Outbox(connection, PATIENCE)
        self._revision = 0
        self._compressed = False  # blocks of the current query, from the client
        self._method: int | None = None  # how blocks to the client are packed
        self._session: Session | None = None

    def run(self) -> None:
        """Serve the client until it leaves."""
        try:
            self._session = self._greet()
            if self._session is not None:
                while True:
                    self._serve_packet(self._session)
        except Disconnected:
            pass
        except ProtocolError as error:
            self._last_word(packets.exception(UNKNOWN_PACKET, error.message))
        except EngineError as error:
            self._last_word(packets.exception(error.code, error.message))
        finally:
            self._connection.close()
            if self._session is not None:
                self._session.close()

    def refuse(self, code: int, message: str) -> None:
        """Tell the client why it is not served, and close."""
        self._last_word(packets.exception(code, message))
        self._connection.close()

    def hang_up(self) -> None:
        """Break the connection off; the thread ends soon after."""
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the client was faster

    def _last_word(self, packet: bytes) -> None:
        try:
            self._outbox.add(packet)
            self._outbox.flush()
        except Disconnected:
            return

    def _greet(self) -> Session | None:
        window = self._window
        window.deadline = time.monotonic() + HANDSHAKE_LIMIT
        first = window.byte()
        if first != Ask.HELLO:
            if chr(first).isalpha():
                self._last_word(HTTP_ANSWER)
            return None
        hello = packets.read_hello(window)
        if hello.revision < revisions.OLDEST:
            raise ProtocolError(f"the client's protocol revision {hello.revision} is too old")
        self._revision = min(hello.revision, revisions.OURS)
        if not self._account.admits(hello):
            user = hello.user.decode(errors="replace")
            raise EngineError(
                f"{user}: Authentication failed: password is incorrect, or there is no user with such name. "
                "(AUTHENTICATION_FAILED)",
                code=AUTHENTICATION_FAILED,
            )
        session = Session(self._engine, hello.database)
        try:
            self._outbox.add(
                packets.hello(self._engine.version, self._engine.timezone, "loghouse", self._revision)
            )
            self._outbox.flush()
            if self._revision >= revisions.ADDENDUM:
                window.string()  # key of a quota
        except BaseException:
            session.close()
            raise
        window.deadline = None
        return session

    def _serve_packet(self, session: Session) -> None:
        match self._next_packet():
            case Ask.PING:
                self._outbox.add(packets.PONG)
            case Ask.QUERY:
                self._serve_query(session)
            case Ask.TABLES_STATUS:
                asked = packets.read_table_names(self._window)
                self._outbox.add(
                    packets.table_statuses([table for table in asked if session.has_table(*table)])
                )
            case Ask.DATA:
                self._read_block().close()  # of a query that failed before its rows came
            case Ask.CANCEL:
                pass  # the query was over before
            case unknown:
                raise ProtocolError(f"unknown packet {unknown} from the client")
        self._outbox.flush()

    def _next_packet(self) -> int:
        window = self._window
        window.settle()
        if window.start == window.end:
            poll = select.poll()
            poll.register(self._connection, select.POLLIN)
            if not poll.poll(REST_AFTER * 1000):
                window.shrink()
                self._unpacked = None
            window.patience = IDLE_LIMIT
            window.ensure(window.start + 1)
            window.patience = PATIENCE
        return window.varint()

    def _serve_query(self, session: Session) -> None:
        query = packets.read_query(self._window, self._revision, self._engine.setting_types)
        self._compressed = query.compressed
        try:
            if self._read_external_tables():
                raise EngineError(
                    "External tables are not supported by the embedded store. (NOT_IMPLEMENTED)",
                    code=NOT_IMPLEMENTED,
                )
            if query.stage != packets.Stage.COMPLETE:
                raise EngineError(
                    "The embedded store cannot process a query up to a stage: it is no node of a cluster. "
                    "(NOT_IMPLEMENTED)",
                    code=NOT_IMPLEMENTED,
                )
            self._answer(session, query)
        except EngineError as error:
            self._outbox.add(packets.exception(error.code, error.message))

    def _answer(self, session: Session, query: Query) -> None:
        try:
            statement = read_statement(query.sql)
        except NotOneStatement:
            raise EngineError(
                "Syntax error (Multi-statements are not allowed). (SYNTAX_ERROR)", code=SYNTAX_ERROR
            ) from None
        if self._inside is not None:
            self._inside.check(query.sql)
        if statement.with_totals:
            raise EngineError(
                "WITH TOTALS is not supported by the embedded store: its engine hands out no row of totals. "
                "Use WITH ROLLUP. (NOT_IMPLEMENTED)",
                code=NOT_IMPLEMENTED,
            )
        if statement.keyword in MERGING:
            self._merges.release()
        session.configure(self._known_settings(query))
        method = frames.METHODS.get(_value(query, b"network_compression_method").lower(), frames.LZ4)
        self._method = method if query.compressed else None
        watched = Watched(session.mark, self._connection, self._revision, self._outbox.writing)
        if len(self._window.pending):
            watched.cancelled = self._window.pending[0] == Ask.CANCEL
            watched.listening = False
        if statement.insert is not None:
            # The thread itself reads what the client sends, so the watch must not.
            watched.listening = False
        self._watch.begin(watched)
        try:
            if statement.insert is not None:
                self._insert(session, statement.insert)
            else:
                self._rows(session, statement, query, watched)
        except ProtocolError as error:
            if statement.insert is not None:
                raise
            raise EngineError(
                f"{error.message}. {error.hint} (NOT_IMPLEMENTED)", code=NOT_IMPLEMENTED
            ) from None
        except EngineError as error:
            if not (watched.cancelled and error.code == QUERY_WAS_CANCELLED):
                raise
        finally:
            self._watch.end(watched)
        self._outbox.add(packets.END_OF_STREAM)

    def _known_settings(self, query: Query) -> dict[str, bytes]:
        known: dict[str, bytes] = {}
        for setting in query.settings:
            name = setting.name.decode("utf-8", "replace")
            if name in self._engine.setting_types:
                known[name] = setting.value
            elif setting.important:
                raise EngineError(f"Unknown setting '{name}'. (UNKNOWN_SETTING)", code=UNKNOWN_SETTING)
        return known

    def _rows(self, session: Session, statement: Statement, query: Query, watched: Watched) -> None:
        rows = blocks = size = read_rows = read_bytes = 0
        types: list[bytes] = []

        def zoned(index: int) -> bytes:
            if not types:
                types.extend(session.types_meanwhile(statement, query.params))
            return types[index] if index < len(types) else b"DateTime"

        with closing(session.run(statement, query.params)) as chunks:
            for chunk in chunks:
                for columns, pieces in outgoing(chunk.data, chunk.single, self._revision, zoned):
                    if not blocks and columns:
                        self._send_block([header(columns, self._revision)])
                    self._send_block(pieces)
                    blocks += 1
                rows += chunk.rows
                size += len(chunk.data)
                read_rows += chunk.read_rows
                read_bytes += chunk.read_bytes
                if watched.cancelled:
                    return
        if not blocks and statement.keyword in STREAMED:
            columns = session.columns(statement.text, query.params)
            self._send_block([header(columns, self._revision)])
        self._watch.end(watched)
        with self._outbox.writing:
            told = watched.told
        self._outbox.add(
            packets.profile_info(rows, blocks, size),
            packets.progress(
                self._revision, max(read_rows - told.read_rows, 0), max(read_bytes - told.read_bytes, 0), 0
            ),
        )

    def _insert(self, session: Session, insert: Insert) -> None:
        columns = session.insert_columns(insert)
        insertion = session.insert(insert)
        try:
            self._send_block([header(columns, self._revision)])
            self._outbox.flush()
            with ExitStack() as merges:
                if self._take_rows(insertion, merges):
                    insertion.finish()
        finally:
            insertion.cancel()

    def _take_rows(self, insertion: Insertion, merges: ExitStack) -> bool:
        """Pass on blocks until the client's last one; False if the client cancelled."""
        taken = 0
        while True:
            packet = self._window.varint()
            if packet == Ask.CANCEL:
                return False
            if packet != Ask.DATA:
                raise ProtocolError(f"packet {packet} from the client in the middle of an INSERT")
            with closing(self._read_block()) as block:
                if taken < BULK_BYTES <= taken + block.size:
                    merges.enter_context(self._merges.waiting())
                taken += block.size
                # After an error here the client may go on to its last block; `_serve_packet` drops the rest.
                insertion.append(block.pieces)
            if self._revision >= revisions.PROFILE_EVENTS_IN_INSERT:
                self._outbox.add(packets.profile_events(self._revision))
                self._outbox.flush()
            if not block.columns:
                return True
            self._window.settle()

    def _read_external_tables(self) -> bool:
        """Read up to the block that ends a query packet; whether there were tables before it.

        Scalars, such as the number of the shard, come from the nodes of a cluster; no query needs them here.
        """
        any_table = False
        while True:
            packet = self._window.varint()
            if packet not in (Ask.DATA, Ask.SCALAR):
                raise ProtocolError(f"packet {packet} from the client where its query should end")
            with closing(self._read_block()) as block:
                if packet == Ask.DATA and not block.columns:
                    return any_table
            any_table |= packet == Ask.DATA
            self._window.settle()

    def _read_block(self) -> Block:
        self._window.string()  # name of an external table
        if not self._compressed:
            return read_block(self._window, self._revision)
        if self._unpacked is None:
            self._unpacked = frames.FrameWindow(self._window)
        self._unpacked.settle()
        return read_block(self._unpacked, self._revision)

    def _send_block(self, pieces: list[bytes | memoryview]) -> None:
        self._outbox.add(packets.DATA)
        self._outbox.extend(pieces if self._method is None else frames.packed(pieces, self._method))


def _value(query: Query, name: bytes) -> bytes:
    return next((setting.value for setting in query.settings if setting.name == name), b"")
