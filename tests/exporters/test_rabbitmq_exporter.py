"""rabbitmq-exporter against a real RabbitMQ: queues of each kind, a policy, a shovel, federation, alarms."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from exporter_servers import (
    ParsedPage,
    complained_about,
    free_port,
    get,
    listed_metrics,
    parse_page,
    process,
    scrape,
    serving,
    until,
)
from rabbit_server import Rabbit, is_installed, rabbit_server

from exporters.rabbitmq.cli import KIND

# A name with everything that a label must escape, or that the plugin forgets to.
ODD = 'od"d\\ n{ä}m "} 5e'
ALL_PARTS = "node,queue,exchange,connections,shovel,federation,memory,aliveness,health,plugin,queue_details"


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    if not is_installed():
        pytest.skip("rabbitmq-server is not installed")
    with rabbit_server(tmp_path_factory.mktemp("rabbitmq")) as server:
        _fill(server)
        yield server


def _fill(rabbit: Rabbit) -> None:
    rabbit.call("PUT", "vhosts/shop", {})
    rabbit.call("PUT", "permissions/shop/guest", {"configure": ".*", "write": ".*", "read": ".*"})
    rabbit.declare("shop", "orders")
    rabbit.declare("shop", "dead")
    rabbit.declare("shop", "copy")
    rabbit.declare("shop", ODD)
    rabbit.declare("shop", "passing", durable=False)
    rabbit.declare("shop", "quorum", queue_type="quorum", max_length=500)
    rabbit.declare("shop", "stream", queue_type="stream")
    rabbit.call("PUT", "exchanges/shop/all", {"type": "fanout", "durable": True})
    for queue in ("orders", "quorum", "stream"):
        rabbit.call("POST", f"bindings/shop/e/all/q/{queue}", {})
    limits = {"max-length": 1000, "max-length-bytes": 100_000}
    rabbit.call("PUT", "policies/shop/limits", {"pattern": "^orders$", "definition": limits})
    for _ in range(20):
        rabbit.publish("shop", "", "hello", "all")
    fetch = {"count": 3, "ackmode": "ack_requeue_false", "encoding": "auto"}
    rabbit.call("POST", "queues/shop/orders/get", fetch)
    for _ in range(4):
        rabbit.publish("shop", "dead", "moved")
    uri = f"amqp://guest:guest@127.0.0.1:{rabbit.amqp_port}"
    shovel = {"src-protocol": "amqp091", "src-uri": f"{uri}/shop", "src-queue": "dead"}
    shovel |= {"dest-protocol": "amqp091", "dest-uri": f"{uri}/shop", "dest-queue": "copy"}
    rabbit.call("PUT", "parameters/shovel/shop/mover", {"value": shovel})
    rabbit.call("PUT", "parameters/federation-upstream/shop/other", {"value": {"uri": f"{uri}/%2f"}})
    rabbit.call("PUT", "exchanges/shop/federated", {"type": "topic", "durable": True})
    federation = {"federation-upstream-set": "all"}
    rabbit.call(
        "PUT",
        "policies/shop/federation",
        {"pattern": "^federated$", "definition": federation, "apply-to": "exchanges"},
    )
    until(lambda: _settled(rabbit), "the queues' statistics")


def _settled(rabbit: Rabbit) -> bool:
    """Whether the statistics of all queues are there and no longer move."""
    page = parse_page(rabbit.plugin_page("/metrics"))
    wanted = {"orders": 17, "quorum": 20, "stream": 20, "copy": 4, "dead": 0}
    queues = {queue["name"]: queue for queue in rabbit.call("GET", "queues/shop")}
    connections = rabbit.call("GET", "connections")
    return (
        all(queues[name].get("messages") == count for name, count in wanted.items())
        and "idle_since" in queues["orders"]
        and page.samples.get(("rabbitmq_queue_messages", ())) == sum(wanted.values())
        and rabbit.call("GET", "shovels")[0]["state"] == "running"
        and rabbit.call("GET", "federation-links")[0]["status"] == "running"
        and any("channels" in connection for connection in connections)
    )


def _flags(rabbit: Rabbit, **more: str) -> dict[str, str]:
    plugin = f"http://127.0.0.1:{rabbit.plugin_port}"
    return {"url": f"http://127.0.0.1:{rabbit.api_port}", "plugin_url": plugin, **more}


def _scrape(rabbit: Rabbit, **more: str) -> ParsedPage:
    page = scrape(KIND, _flags(rabbit, **more))
    assert not page.series("rabbitmq_exporter_collector_error")
    return page


def test_official_names_by_queue(rabbit: Rabbit) -> None:
    page = _scrape(rabbit)
    assert page.value("rabbitmq_up") == 1
    for queue, messages in (("orders", 17), ("quorum", 20), ("stream", 20), (ODD, 0)):
        assert page.value("rabbitmq_queue_messages", vhost="shop", queue=queue) == messages
    assert page.value("rabbitmq_queue_messages_persistent", vhost="shop", queue="quorum") == 20
    assert page.value("rabbitmq_node_running", node=rabbit.node) == 1
    assert page.value("rabbitmq_node_partitions", node=rabbit.node) == 0
    assert page.value("rabbitmq_shovel_state", vhost="shop", shovel="mover", type="dynamic", state="running")
    assert page.value(
        "rabbitmq_federation_state", vhost="shop", upstream="other", exchange="federated", status="running"
    )
    assert page.value("rabbitmq_health_check_success", check="local-alarms") == 1
    # A check that only RabbitMQ 4 has is left out, not failed.
    assert "ready-to-serve-clients" not in page.label_values("rabbitmq_health_check_success", "check")
    assert page.value("rabbitmq_exporter_queues_dropped") == 0
    assert page.value("rabbitmq_exporter_process_resident_memory_bytes") > 1e6


def test_every_series_of_the_plugin_is_there(rabbit: Rabbit) -> None:
    """Explained differences: queues stand in place of their sums; a scrape itself moves some values."""
    ours = _scrape(rabbit)
    sums = parse_page(rabbit.plugin_page("/metrics"))
    # The plugin does not escape quotes, so its own page is broken by such a name: those lines are left out.
    lines = rabbit.plugin_page("/metrics/per-object").splitlines()
    by_queue = parse_page("\n".join(line for line in lines if 'queue="od"' not in line) + "\n")
    queue_series = {
        series
        for series in by_queue.samples
        if {name for name, _ in series[1]} == {"vhost", "queue"} and series[0].startswith("rabbitmq_queue_")
    }
    assert len(queue_series) > 100
    assert queue_series <= set(ours.samples)
    replaced = {name for name, _ in queue_series}
    expected = {series for series in sums.samples if series[0] not in replaced}
    missing = {name for name, _ in expected - set(ours.samples)}
    assert missing == set()
    assert {ours.types[name] for name in replaced} == {"gauge", "counter"}
    for name, type_ in {**sums.types, **by_queue.types}.items():
        if name in ours.types:
            assert ours.types[name] == type_, name
    moving = (
        "erlang_",
        "telemetry_",
        "rabbitmq_erlang_",
        "rabbitmq_process_",
        "rabbitmq_auth_",
        "rabbitmq_io_",
    )
    for series in sorted(queue_series | expected):
        name = series[0]
        if not name.startswith(moving) and "reductions" not in name and "memory" not in name:
            reference = by_queue if series in queue_series else sums
            if name.startswith(("rabbitmq_queue_messages", "rabbitmq_queue_consumers", "rabbitmq_global_")):
                assert ours.samples[series] == reference.samples[series], series


def test_detailed_and_aggregated_queues(rabbit: Rabbit) -> None:
    detailed = _scrape(rabbit, plugin_queues="detailed", plugin_families="exchange_bindings,channel_metrics")
    assert detailed.value("rabbitmq_queue_messages") == 61
    assert detailed.value("rabbitmq_detailed_queue_messages", vhost="shop", queue="orders") == 17
    bindings = {"vhost": "shop", "exchange": "all", "type": "fanout"}
    assert detailed.value("rabbitmq_cluster_exchange_bindings", **bindings) == 3
    assert detailed.series("rabbitmq_detailed_channel_consumers")
    aggregated = _scrape(rabbit, plugin_queues="aggregated")
    assert aggregated.value("rabbitmq_queue_messages") == 61
    assert not aggregated.label_values("rabbitmq_queue_messages", "queue") - {""}


def test_the_rules_come_before_the_cap(rabbit: Rabbit) -> None:
    page = _scrape(rabbit, skip_queues="^(quorum|stream)$", include_vhost="shop", max_queues="2")
    assert page.label_values("rabbitmq_queue_messages", "queue") == {"orders", "copy"} or page.label_values(
        "rabbitmq_queue_messages", "queue"
    ) == {"orders", ODD}
    assert page.label_values("rabbitmq_queue_messages_bytes", "queue") <= page.label_values(
        "rabbitmq_queue_messages", "queue"
    )
    assert page.value("rabbitmq_exporter_queues_dropped") == 3
    kbudde = _scrape(rabbit, style="kbudde", include_queues="^(orders|quorum|dead)$", max_queues="2")
    assert kbudde.label_values("rabbitmq_queue_messages", "queue") == {"orders", "quorum"}
    assert kbudde.value("rabbitmq_exporter_queues_dropped") == 1


def test_without_the_plugin_the_api_gives_what_it_knows(rabbit: Rabbit) -> None:
    page = _scrape(rabbit, plugin_url="none")
    reference = parse_page(rabbit.plugin_page("/metrics"))
    assert page.value("rabbitmq_up") == 1
    assert page.value("rabbitmq_queue_messages", vhost="shop", queue="orders") == 17
    assert page.value("rabbitmq_identity_info", rabbitmq_node=rabbit.node, **_cluster(rabbit)) == 1
    same = ("rabbitmq_queues", "rabbitmq_consumers", "rabbitmq_queues_declared_total")
    for name in (*same, "rabbitmq_resident_memory_limit_bytes", "rabbitmq_process_max_fds"):
        assert page.value(name) == reference.value(name)
    assert (
        0 < page.value("rabbitmq_erlang_uptime_seconds") <= reference.value("rabbitmq_erlang_uptime_seconds")
    )
    aggregated = _scrape(rabbit, plugin_url="none", plugin_queues="aggregated")
    assert aggregated.value("rabbitmq_queue_messages") == 61


def test_a_plugin_that_is_down_is_named_and_replaced(rabbit: Rabbit) -> None:
    page = scrape(KIND, _flags(rabbit, plugin_url=f"http://127.0.0.1:{free_port()}"))
    assert page.value("rabbitmq_up") == 1
    assert page.value("rabbitmq_exporter_collector_error", collector="plugin", reason="refused") == 1
    assert page.value("rabbitmq_queue_messages", vhost="shop", queue="orders") == 17
    assert page.value("rabbitmq_alarms_memory_used_watermark") == 0


def test_an_api_that_is_down_leaves_the_plugin(rabbit: Rabbit) -> None:
    page = scrape(KIND, _flags(rabbit, url=f"http://127.0.0.1:{free_port()}"))
    assert page.value("rabbitmq_up") == 1
    assert page.value("rabbitmq_queue_messages", vhost="shop", queue="orders") == 17
    assert page.value("rabbitmq_exporter_collector_error", collector="overview", reason="refused") == 1


def test_parts_that_are_off_by_default(rabbit: Rabbit) -> None:
    page = _scrape(rabbit, parts=ALL_PARTS)
    queue = {"vhost": "shop", "queue": "orders"}
    assert page.value("rabbitmq_queue_state", **queue, state="idle") == 1
    assert page.value("rabbitmq_queue_info", **queue, type="classic", durable="true", policy="limits") == 1
    assert page.value("rabbitmq_queue_idle_since_seconds", **queue) > 1.7e9
    assert page.value("rabbitmq_queue_max_length", **queue) == 1000
    assert page.value("rabbitmq_queue_max_length", vhost="shop", queue="quorum") == 500
    assert page.value("rabbitmq_queue_members_online", vhost="shop", queue="stream") == 1
    assert page.value("rabbitmq_exchange_messages_published_in_total", vhost="shop", exchange="all") == 20
    assert page.value("rabbitmq_exchange_messages_published_out_total", vhost="shop", exchange="all") == 60
    assert page.value("rabbitmq_connections_by_state", vhost="shop", user="guest", state="running") >= 1
    assert page.value("rabbitmq_memory_quorum_queue_erlang_process_bytes") > 0


def test_kbudde_names(rabbit: Rabbit) -> None:
    page = _scrape(rabbit, style="kbudde", parts=ALL_PARTS)
    cluster = {"cluster": rabbit.call("GET", "overview")["cluster_name"]}
    node = {**cluster, "node": rabbit.node}
    assert page.value("rabbitmq_up", **node) == 1
    assert page.value("rabbitmq_module_up", **node, module="queue") == 1
    assert page.value("rabbitmq_running", **node, self="1") == 1
    assert page.value("rabbitmq_queues", **cluster) >= 7
    assert page.value("rabbitmq_queue_messages_global", **cluster) == 61
    orders = {
        **cluster,
        "vhost": "shop",
        "queue": "orders",
        "durable": "true",
        "policy": "limits",
        "self": "1",
    }
    assert page.value("rabbitmq_queue_messages_ready", **orders) == 17
    assert page.value("rabbitmq_queue_messages_published_total", **orders) == 20
    assert page.value("rabbitmq_queue_messages_get_noack_total", **orders) == 3
    assert page.value("rabbitmq_queue_messages_confirmed_total", **orders) == 0
    assert page.value("rabbitmq_queue_max_length_bytes", **orders) == 100_000
    assert page.value("rabbitmq_queue_state", **orders, state="idle") == 1
    odd = {**orders, "queue": ODD, "policy": ""}
    odd.pop("policy")
    assert page.value("rabbitmq_queue_messages", **odd) == 0
    stream = {**cluster, "vhost": "shop", "queue": "stream", "durable": "true", "self": "1"}
    assert page.value("rabbitmq_queue_member_nodes_len", **stream) == 1
    exchange = {**cluster, "vhost": "shop", "exchange": "all"}
    assert page.value("rabbitmq_exchange_messages_published_in_total", **exchange) == 20
    assert page.value(
        "rabbitmq_shovel_state",
        **cluster,
        vhost="shop",
        shovel="mover",
        type="dynamic",
        self="1",
        state="running",
    )
    links = page.series("rabbitmq_federation_state")
    assert ("exchange", "federated") in links[0]
    assert page.value("rabbitmq_memory_total_rss_bytes", **node, self="1") > 1e6
    assert page.value("rabbitmq_memory_connection_readers", **node, self="1") > 0
    assert page.value("rabbitmq_aliveness_test", vhost="/") == 1
    assert "running" in page.label_values("rabbitmq_connection_status", "state")


def test_kbudde_behind_a_load_balancer(rabbit: Rabbit) -> None:
    page = _scrape(rabbit, style="kbudde", connection="loadbalancer")
    assert page.label_values("rabbitmq_queue_messages", "self") == {"lb"}


def test_fields_of_the_api_can_be_left_out(rabbit: Rabbit) -> None:
    page = _scrape(rabbit, style="kbudde", exclude_metrics="messages_ready,message_stats.publish,uptime")
    assert not page.series("rabbitmq_queue_messages_ready")
    assert not page.series("rabbitmq_queue_messages_published_total")
    assert not page.series("rabbitmq_uptime")
    assert page.series("rabbitmq_queue_messages_ready_ram")


def test_alarms_show(rabbit: Rabbit) -> None:
    """The memory alarm, set off by a watermark of nothing."""
    rabbit.control("set_vm_memory_high_watermark", "0.0001")
    try:
        until(lambda: rabbit.call("GET", "nodes")[0]["mem_alarm"], "the alarm")
        page = _scrape(rabbit)
        assert page.value("rabbitmq_alarms_memory_used_watermark") == 1
        assert page.value("rabbitmq_node_memory_alarm", node=rabbit.node) == 1
        assert page.value("rabbitmq_health_check_success", check="alarms") == 0
        assert page.value("rabbitmq_health_check_success", check="virtual-hosts") == 1
        kbudde = _scrape(rabbit, style="kbudde", parts="node")
        assert next(iter(kbudde.series("rabbitmq_node_mem_alarm")))
    finally:
        rabbit.control("set_vm_memory_high_watermark", "0.4")


def test_a_password_with_odd_characters(rabbit: Rabbit, tmp_path: Path) -> None:
    password = 'p@ss:w/ö"r d%#\\'
    rabbit.call("PUT", "users/monitor", {"password": password, "tags": "monitoring"})
    secret = tmp_path / "password"
    secret.write_text(password + "\n")
    by_file = _flags(rabbit, user="monitor", password_file=str(secret), style="kbudde", parts="node")
    until(lambda: 1 in _values(scrape(KIND, by_file), "rabbitmq_up"), "the user")
    assert 1 in _values(scrape(KIND, {**_flags(rabbit), "style": "kbudde", "parts": "node"}), "rabbitmq_up")
    wrong = scrape(KIND, _flags(rabbit, user="monitor", password="wrong", style="kbudde"))
    assert _values(wrong, "rabbitmq_up") == [0]
    assert wrong.value("rabbitmq_exporter_scrape_error", reason="auth") == 1
    rabbit.call("PUT", "users/nobody", {"password": "x", "tags": ""})
    denied = scrape(KIND, _flags(rabbit, user="nobody", password="x", style="kbudde"))
    assert denied.value("rabbitmq_exporter_scrape_error", reason="auth") == 1


def test_other_targets_and_collect(rabbit: Rabbit) -> None:
    target = f"127.0.0.1:{rabbit.api_port}"
    flags = {"targets": target, "url": f"http://127.0.0.1:{free_port()}", "style": "kbudde"}
    with serving(KIND, flags) as port:
        page = parse_page(get(port, f"/probe?target={target}&collect[]=node").body.decode())
        assert page.series("rabbitmq_running")
        assert not page.series("rabbitmq_queue_messages")
        assert not page.series("process_open_fds")
        own = parse_page(get(port, "/metrics").body.decode())
        assert _values(own, "rabbitmq_up") == [0]


@pytest.mark.parametrize("style", ["official", "kbudde"])
def test_promtool_finds_nothing_but_upstreams_names(rabbit: Rabbit, style: str) -> None:
    with serving(KIND, _flags(rabbit, style=style, parts=ALL_PARTS)) as port:
        page = get(port, "/metrics").body
    assert b"rabbitmq_up" in page
    upstream = set(parse_page(rabbit.plugin_page("/metrics")).types) | listed_metrics("rabbitmq-kbudde")
    assert complained_about(page) - upstream == set()


def test_prometheus_scrapes_both_styles(rabbit: Rabbit, tmp_path: Path) -> None:
    """Also the names that the plugin's own page breaks on; and types as the plugin has them."""
    with serving(KIND, _flags(rabbit)) as first, serving(KIND, _flags(rabbit, style="kbudde")) as second:
        port = free_port()
        config = tmp_path / "prometheus.yml"
        jobs = [
            {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}
            for name, target in (("official", first), ("kbudde", second))
        ]
        scraping = {"scrape_interval": "1s", "scrape_timeout": "1s"}
        config.write_text(json.dumps({"global": scraping, "scrape_configs": jobs}))
        command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}"]
        with process([*command, f"--web.listen-address=127.0.0.1:{port}"], tmp_path):
            until(lambda: _query(port, "min(rabbitmq_up)") == 1, "Prometheus")
            until(lambda: _query(port, "count(rabbitmq_up)") == 2, "both styles")
            assert _query(port, 'sum(rabbitmq_queue_messages{job="official"})') == 61
            assert _query(port, 'sum(rabbitmq_queue_messages{job="kbudde"})') == 61
            assert _query(port, 'count(rabbitmq_queue_messages{queue=~"od.*"})') == 2
            metadata = json.loads(get(port, "/api/v1/metadata").body)["data"]
            assert metadata["rabbitmq_queue_disk_writes_total"][0]["type"] == "counter"
            assert metadata["erlang_mnesia_failed_transactions"][0]["type"] == "counter"


def _query(port: int, query: str) -> float:
    # Until it is ready Prometheus answers in plain text.
    with contextlib.suppress(OSError, KeyError, ValueError):
        answer = json.loads(get(port, "/api/v1/query?" + urlencode({"query": query})).body)
        result = answer["data"]["result"]
        return float(result[0]["value"][1]) if result else -1
    return -1


def _values(page: ParsedPage, name: str) -> list[float]:
    return [page.samples[name, labels] for labels in page.series(name)]


def _cluster(rabbit: Rabbit) -> dict[str, str]:
    return {"rabbitmq_cluster": rabbit.call("GET", "overview")["cluster_name"]}
