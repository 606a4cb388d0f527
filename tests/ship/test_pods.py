"""What is read from a pod: its workload, and how its logs are to be treated."""

from typing import Any

import pytest
from kubernetes_api import owned_by, pod

from loghouse.kubernetes.pod import pod_of


@pytest.mark.parametrize(
    ("name", "metadata", "kind", "workload"),
    [
        (
            "shop-5d8f7c9b64-x2k4z",
            {
                "ownerReferences": owned_by("ReplicaSet", "shop-5d8f7c9b64"),
                "labels": {"pod-template-hash": "5d8f7c9b64"},
            },
            "Deployment",
            "shop",
        ),
        (
            "canary-6f5b-abcde",
            {
                "ownerReferences": owned_by("ReplicaSet", "canary-6f5b"),
                "labels": {"rollouts-pod-template-hash": "6f5b"},
            },
            "Deployment",
            "canary",
        ),
        ("bare-abcde", {"ownerReferences": owned_by("ReplicaSet", "bare")}, "ReplicaSet", "bare"),
        ("redis-0", {"ownerReferences": owned_by("StatefulSet", "redis")}, "StatefulSet", "redis"),
        ("proxy-4vjhh", {"ownerReferences": owned_by("DaemonSet", "proxy")}, "DaemonSet", "proxy"),
        (
            "cleanup-29927520-qj4gr",  # 2026-11-25 as minutes
            {
                "ownerReferences": owned_by("Job", "cleanup-29927520"),
                "creationTimestamp": "2026-11-26T00:00:12Z",
            },
            "CronJob",
            "cleanup",
        ),
        (
            "import-20261120-qj4gr",
            {"ownerReferences": owned_by("Job", "import-20261120")},
            "Job",
            "import-20261120",
        ),
        ("once-qj4gr", {"ownerReferences": owned_by("Job", "once")}, "Job", "once"),
        ("db-1", {"ownerReferences": owned_by("Cluster", "db")}, "Cluster", "db"),
        ("alone", {}, "Pod", "alone"),
        ("etcd-node-1", {"ownerReferences": owned_by("Node", "node-1")}, "Pod", "etcd"),
    ],
)
def test_the_workload_is_the_owner_in_the_end(
    name: str, metadata: dict[str, Any], kind: str, workload: str
) -> None:
    found = pod_of(pod(name, "u1", **metadata))
    assert (found.kind, found.workload) == (kind, workload)


def test_a_static_pod_has_the_uid_of_its_path_too() -> None:
    annotations = {
        "kubernetes.io/config.hash": "9d3c4bf3a3a1c2",
        "kubernetes.io/config.mirror": "9d3c4bf3a3a1c2",
        "kubernetes.io/config.source": "file",
    }
    assert pod_of(pod("etcd-node-1", "u1", annotations=annotations)).uids == ("u1", "9d3c4bf3a3a1c2")


@pytest.mark.parametrize(
    ("annotations", "labels", "excluded"),
    [
        ({}, {}, False),
        ({"logq.io/exclude": "true"}, {}, True),
        ({"logq.io/exclude": "True"}, {}, True),
        ({"logq.io/exclude": "1"}, {}, True),
        ({"logq.io/exclude": "false"}, {}, False),
        ({"logq.io/exclude": "maybe"}, {}, False),
        ({"logq.io/exclude.app": "true"}, {}, True),
        ({"logq.io/exclude.sidecar": "true"}, {}, False),
        ({"logq.io/exclude": "true", "logq.io/exclude.app": "false"}, {}, False),
        ({"fluentbit.io/exclude": "true"}, {}, True),
        ({"fluentbit.io/exclude": "true", "logq.io/exclude": "false"}, {}, False),
        ({"co.elastic.logs/enabled": "false"}, {}, True),
        ({}, {"vector.dev/exclude": "true"}, True),
    ],
)
def test_a_pod_may_ask_not_to_be_read(
    annotations: dict[str, str], labels: dict[str, str], excluded: bool
) -> None:
    found = pod_of(pod("p", "u1", annotations=annotations, labels=labels))
    assert found.excluded("app") is excluded


def test_a_hint_for_one_container_counts_more() -> None:
    annotations = {"logq.io/multiline": "indent", "logq.io/multiline.app": "off"}
    found = pod_of(pod("p", "u1", annotations=annotations))
    assert found.multiline("app") == "off"
    assert found.multiline("sidecar") == "indent"
    assert pod_of(pod("p", "u1")).multiline("app") is None


def test_null_where_maps_are_expected() -> None:
    found = pod_of(pod("p", "u1", labels=None, annotations=None, ownerReferences=None))
    assert (found.labels, found.annotations, found.workload) == ((), (), "p")
