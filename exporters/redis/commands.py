"""What commands cost: commandstats, errors, latencies, the slow log and Valkey's command log."""

from exporters.catalogue import Page
from exporters.errors import ScrapeError
from exporters.redis.info import Info, numbers
from exporters.redis.resp import Command, ErrorReply, Reply, as_list, as_map, as_number, as_text

_COMMANDLOG = (
    ("slow", "commandlog_slow_length"),
    ("large-request", "commandlog_large_request_length"),
    ("large-reply", "commandlog_large_reply_length"),
)


def add_command_stats(page: Page, info: Info) -> None:
    """Calls, time and failures by command, error replies by kind, and latency percentiles."""
    totals: dict[str, tuple[int | float, int | float]] = {}
    for name, value in info.section("Commandstats"):
        command = name.removeprefix("cmdstat_")
        stats = numbers(value)
        if "calls" not in stats or "usec" not in stats:
            continue
        totals[command] = (stats["usec"], stats["calls"])
        page.add("commands_total", stats["calls"], command)
        page.add("commands_duration_seconds_total", stats["usec"] / 1e6, command)
        if "rejected_calls" in stats:
            page.add("commands_rejected_calls_total", stats["rejected_calls"], command)
        if "failed_calls" in stats:
            page.add("commands_failed_calls_total", stats["failed_calls"], command)
    for name, value in info.section("Errorstats"):
        count = numbers(value).get("count")
        if count is not None:
            page.add("errors_total", count, name.removeprefix("errorstat_"))
    _add_percentiles(page, info, totals)


def _add_percentiles(page: Page, info: Info, totals: dict[str, tuple[int | float, int | float]]) -> None:
    for name, value in info.section("Latencystats"):
        command = name.removeprefix("latency_percentiles_usec_")
        if command not in totals:
            continue
        family = page.family("latency_percentiles_usec")
        for percentile, usec in numbers(value).items():
            family.add_quantile(usec, percentile.removeprefix("p"), command)
        family.add_sum_count(*totals[command], command)


def latency_commands(info: Info, histogram: bool) -> list[Command]:
    """The LATENCY commands this server knows: an unknown one would count as an error there."""
    commands: list[Command] = [("LATENCY", "LATEST")]
    if histogram and info.version >= (7,):
        commands.append(("LATENCY", "HISTOGRAM"))
    return commands


def add_latency(page: Page, info: Info, replies: list[Reply]) -> None:
    """Latency spikes by event, and a histogram by command with subcommands added up."""
    for event in as_list(_usable(replies[0])):
        fields = as_list(event)
        if len(fields) >= 3:
            last, duration = as_number(fields[1]), as_number(fields[2])
            if last is not None and duration is not None:
                page.add("latency_spike_last", last, as_text(fields[0]))
                page.add("latency_spike_duration_seconds", duration / 1000, as_text(fields[0]))
    if len(replies) > 1:
        _add_histograms(page, info, _usable(replies[1]))


def _add_histograms(page: Page, info: Info, reply: Reply) -> None:
    totals: dict[str, int | float] = {}
    for name, value in info.section("Commandstats"):
        container = name.removeprefix("cmdstat_").partition("|")[0]
        totals[container] = totals.get(container, 0) + numbers(value).get("usec", 0)
    family = page.family("commands_latencies_usec")
    for command, details in as_map(reply).items():
        histogram = as_map(details)
        calls = as_number(histogram.get("calls"))
        bounds = as_list(histogram.get("histogram_usec"))
        if calls is None:
            continue
        for le, count in zip(bounds[::2], bounds[1::2], strict=False):
            found = as_number(count)
            if found is not None:
                family.add_bucket(found, as_text(le), command)
        family.add_bucket(calls, "+Inf", command)
        family.add_sum_count(totals.get(command, 0), calls, command)


def slowlog_commands(info: Info) -> list[Command]:
    """SLOWLOG, and COMMANDLOG where there is one."""
    commands: list[Command] = [("SLOWLOG", "LEN"), ("SLOWLOG", "GET", 1)]
    if info.valkey_version >= (8, 1):
        commands += [("COMMANDLOG", "LEN", kind) for kind, _ in _COMMANDLOG]
    return commands


def add_slowlog(page: Page, replies: list[Reply]) -> None:
    """Length of the slow log and its newest entry; zeros when it is empty."""
    # First what may work when SLOWLOG itself is refused.
    for (_, metric), reply in zip(_COMMANDLOG, replies[2:], strict=False):
        entries_of_kind = as_number(reply)
        if entries_of_kind is not None:
            page.add(metric, entries_of_kind)
    length = as_number(_usable(replies[0]))
    if length is not None:
        page.add("slowlog_length", length)
    entries = as_list(_usable(replies[1]))
    newest = as_list(entries[0]) if entries else []
    page.add("slowlog_last_id", (as_number(newest[0]) or 0) if newest else 0)
    duration = as_number(newest[2]) if len(newest) > 2 else None
    page.add("last_slow_execution_duration_seconds", (duration or 0) / 1e6)


def _usable(reply: Reply) -> Reply:
    if isinstance(reply, ErrorReply):
        raise ScrapeError("denied" if reply.code == "NOPERM" else "protocol", reply.message)
    return reply
