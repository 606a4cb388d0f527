"""`loghouse ship`: from log files to the store."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from loghouse.config import StoreUrl
from loghouse.filters.config import FilterRules
from loghouse.filters.filters import Filters
from loghouse.kubernetes.api import Server
from loghouse.memory import reuse_blocks, share_one_arena
from loghouse.ship.descriptors import Descriptors, allowed
from loghouse.ship.discover import Discovery
from loghouse.ship.metadata import watching
from loghouse.ship.offsets import Offsets
from loghouse.ship.problems import Problems
from loghouse.ship.reading import Reading
from loghouse.ship.reading_metrics import ReadingMetrics
from loghouse.ship.report import Report
from loghouse.ship.shipper import Shipper, Summary
from loghouse.spool.delivery import Delivery, IngestStore
from loghouse.spool.entry import Notes
from loghouse.spool.spool import Spool
from loghouse.stopping import stopped_by_signals
from loghouse.store.client import Store
from loghouse.telemetry.server import told

DEFAULT_PATHS = ("/var/log/pods",)
INSERT_TIMEOUT = 120.0  # seconds without an answer to an insert
STOP_DEADLINE = 10.0  # seconds that a stopped shipper takes for what it has already read


def ship(
    paths: Sequence[str],
    store_url: StoreUrl,
    state_dir: str,
    node: str = "",
    once: bool = False,
    *,
    store: IngestStore | None = None,
    stop: threading.Event | None = None,
    on_progress: Callable[[Summary], None] | None = None,
    reading: Reading = Reading(),  # noqa: B008 - it is frozen
    kubernetes: Server | None = None,
    listen: tuple[str, int] | None = None,
) -> Summary:
    """Ship the logs below `paths` into the store: follow them, or with `once` read to their end and return.

    Ends early when `stop` is set, or by SIGINT or SIGTERM when called in the main thread: what has been read
    is stored within a deadline, or else waits in the spool for the next run. `kubernetes` is asked about the
    pods of the node; `listen` is the address and port of /metrics, /healthz and /status. Raises
    `LoghouseError` if it cannot go on.
    """
    share_one_arena()
    reuse_blocks()
    node = node or socket.gethostname()
    with watching(kubernetes, node) as pods:
        reading = replace(
            reading,
            pods=pods,
            # A pod may ask for filters that nobody set.
            filters=reading.filters or (Filters(FilterRules(builtin=())) if pods else None),
            hold=0.0 if once else reading.hold,
            descriptors=reading.descriptors or Descriptors(allowed()),
        )
        stop = stop or threading.Event()
        return _ship(paths, store_url, state_dir, node, once, store, stop, on_progress, reading, listen)


def _ship(
    paths: Sequence[str],
    store_url: StoreUrl,
    state_dir: str,
    node: str,
    once: bool,
    store: IngestStore | None,
    stop: threading.Event,
    on_progress: Callable[[Summary], None] | None,
    reading: Reading,
    listen: tuple[str, int] | None,
) -> Summary:
    problems = Problems()
    discovery = Discovery(paths or DEFAULT_PATHS, node, problems, own=state_dir)
    spool = Spool(os.path.join(state_dir, "spool"))
    offsets = Offsets(state_dir, problems, Notes(spool.pending()))
    spool.start_after(offsets.batch)
    spool.settle = offsets.sync
    connect = partial(Store, store_url, read_timeout=INSERT_TIMEOUT, compress=True)
    delivery = Delivery(spool, lambda: store or connect(), once)
    shipper = Shipper(discovery, offsets, spool, delivery, node, problems, stop, on_progress, reading)
    try:
        report = Report(shipper.lineages, shipper.beat, spool, delivery, problems)
        served = told(listen, (report, ReadingMetrics(reading)), report.trouble, report.status)
        with stopped_by_signals(stop), served:
            shipper.run(once)
            complete = delivery.close(stop, STOP_DEADLINE)
        delivery.check()
    except BaseException:
        delivery.abandon()
        raise
    finally:
        shipper.close()
        spool.close()
        offsets.close()
    summary = shipper.summary()
    summary.complete = complete
    summary.interrupted = stop.is_set()
    return summary
