"""Sentinel: the masters it watches, their replicas and the other Sentinels."""

from exporters.catalogue import Page
from exporters.redis.client import Client
from exporters.redis.info import Info, pairs
from exporters.redis.resp import Command, ErrorReply, Reply, as_list, as_map, as_number, as_text, number

_PLAIN = (
    "sentinel_masters",
    "sentinel_tilt",
    "sentinel_running_scripts",
    "sentinel_scripts_queue_length",
    "sentinel_simulate_failure_flags",
)
# Field of SENTINEL MASTERS, metric, divisor.
_SETTINGS = (
    ("quorum", "sentinel_master_setting_ckquorum", 1),
    ("failover-timeout", "sentinel_master_setting_failover_timeout", 1),
    ("parallel-syncs", "sentinel_master_setting_parallel_syncs", 1),
    ("down-after-milliseconds", "sentinel_master_setting_down_after_milliseconds", 1),
    ("config-epoch", "sentinel_master_config_epoch", 1),
    ("last-ok-ping-reply", "sentinel_master_last_ok_ping_reply_seconds", 1000),
)
# One Sentinel watches some dozens of masters; three commands are sent for each.
_MOST_MASTERS = 1000


def add_sentinel_info(page: Page, info: Info) -> None:
    """The section Sentinel of INFO."""
    for name, raw in info.section("Sentinel"):
        value = number(raw)
        if name in _PLAIN and value is not None:
            page.add(name, value)
        elif name.startswith("master"):
            _add_master_line(page, pairs(raw))


def add_sentinel_masters(page: Page, client: Client, with_peers: bool) -> None:
    """Details of every master, with one more round trip for all of them."""
    masters = [as_map(reply) for reply in as_list(client.demand("SENTINEL", "MASTERS"))][:_MOST_MASTERS]
    commands: list[Command] = []
    for master in masters:
        name = as_text(master.get("name"))
        commands += [
            ("SENTINEL", "CKQUORUM", name),
            ("SENTINEL", "SENTINELS", name),
            ("SENTINEL", "SLAVES", name),
        ]
    replies = client.pipeline(commands)
    for index, master in enumerate(masters):
        quorum, sentinels, replicas = replies[index * 3 : index * 3 + 3]
        _add_master(page, master, quorum, as_list(sentinels), as_list(replicas), with_peers)


def add_sentinel_config(page: Page, client: Client) -> None:
    """SENTINEL CONFIG GET *, without its password."""
    for key, value in as_map(client.demand("SENTINEL", "CONFIG", "GET", "*")).items():
        if key == "sentinel-pass":
            continue
        page.add("sentinel_config_key_value", 1, key, as_text(value))
        amount = as_number(value)
        if amount is not None:
            page.add("sentinel_config_value", amount, key)


def _add_master_line(page: Page, master: dict[str, str]) -> None:
    name, address, status = master.get("name", ""), master.get("address", ""), master.get("status", "")
    page.add("sentinel_master_status", int(status == "ok"), name, address, status)
    for field in ("slaves", "sentinels"):
        count = number(master.get(field, ""))
        if count is not None:
            page.add(f"sentinel_master_{field}", count, name, address)


def _add_master(
    page: Page,
    master: dict[str, Reply],
    quorum: Reply,
    sentinels: list[Reply],
    replicas: list[Reply],
    with_peers: bool,
) -> None:
    name = as_text(master.get("name"))
    address = f"{as_text(master.get('ip'))}:{as_text(master.get('port'))}"
    refused = isinstance(quorum, ErrorReply)
    message = quorum.message if isinstance(quorum, ErrorReply) else as_text(quorum)
    page.add("sentinel_master_ckquorum_status", int(not refused), name, message)
    for field, metric, divisor in _SETTINGS:
        value = as_number(master.get(field))
        if value is not None:
            page.add(metric, value / divisor, name, address)
    # This Sentinel itself is not among the others it lists.
    page.add("sentinel_master_ok_sentinels", 1 + _count_up(sentinels), name, address)
    page.add("sentinel_master_ok_slaves", _count_up(replicas), name, address)
    if with_peers:
        for reply in sentinels:
            peer = as_map(reply)
            fields = (as_text(peer.get(key)) for key in ("name", "ip", "port", "runid", "flags"))
            page.add("sentinel_peer_info", 1, name, address, *fields)


def _count_up(replies: list[Reply]) -> int:
    flags = [as_text(as_map(reply).get("flags")) for reply in replies]
    return sum("o_down" not in flag and "s_down" not in flag for flag in flags)
