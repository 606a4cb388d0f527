"""Names of directories and files tell where lines come from."""

from pathlib import Path

import pytest

from loghouse.ship.discover import Discovery
from loghouse.ship.paths import docker_log, plain_log, pod_directory, pod_log, workload_of
from loghouse.ship.problems import Problems


@pytest.mark.parametrize(
    ("pod", "workload"),
    [
        ("backend-php-2kj4gzl8s9-7j64f", "backend-php"),
        ("coredns-5d78c9869d-abcde", "coredns-5d78c9869d-abcde"),  # no vowels in generated names
        ("web-7c5ddbdf54-x2k4z", "web"),
        ("rabbitmq-2", "rabbitmq"),
        ("calico-node-9m8ms", "calico-node"),
        ("cleanup-29927520-qj4gr", "cleanup"),
        ("cleanup-29927520-aeiou", "cleanup"),
        ("kube-apiserver-node-1", "kube-apiserver"),
        ("bare", "bare"),
        ("my-app", "my-app"),
    ],
)
def test_workload_of_a_pod(pod: str, workload: str) -> None:
    assert workload_of(pod, "node-1") == workload


def test_pod_directories() -> None:
    assert pod_directory("prod_shop-0_0a1b-2c") == ("prod", "shop-0", "0a1b-2c")
    assert pod_directory("kube-system_kube-proxy-x_5d8f0e") == ("kube-system", "kube-proxy-x", "5d8f0e")
    for name in ("nginx", "a_b", "a_b_", "a_b_c_d", "_b_c"):
        assert pod_directory(name) is None


def test_rotated_names_are_older() -> None:
    names = ["0.log", "0.log.20261120-100000", "0.log.20261120-090000.gz"]
    rotations = [pod_log(name) for name in names]
    assert [rotation.base for rotation in rotations if rotation] == ["0"] * 3
    ages = [rotation.age for rotation in rotations if rotation]
    assert ages == sorted(ages, reverse=True)
    identifier = "ab" * 32
    docker = [docker_log(f"{identifier}-json.log{end}") for end in ("", ".1", ".2.gz", ".10.gz")]
    ages = [rotation.age for rotation in docker if rotation]
    assert len(ages) == 4
    assert ages == sorted(ages, reverse=True)
    plain = [plain_log(f"access.log{end}") for end in ("", ".1", ".2.gz", ".10.gz")]
    ages = [rotation.age for rotation in plain if rotation]
    assert len(ages) == 4
    assert ages == sorted(ages, reverse=True)
    assert {rotation.base for rotation in plain if rotation} == {"access.log"}


@pytest.mark.parametrize("name", ["0.log.20261120-100000.tmp", "0.log.gz", "abc.log", "0.log.tmp", "0.txt"])
def test_what_is_no_pod_log(name: str) -> None:
    assert pod_log(name) is None


@pytest.mark.parametrize("name", [".hidden.log", "x.log.tmp", "x.log.xz", ".x.swp"])
def test_what_is_no_plain_log(name: str) -> None:
    assert plain_log(name) is None


def test_dates_in_plain_names() -> None:
    dated = plain_log("error.log-20261120")
    assert dated
    assert (dated.base, dated.compressed) == ("error.log", False)
    compressed = plain_log("error.log-20261119.gz")
    assert compressed
    assert compressed.age < dated.age
    assert compressed.compressed


@pytest.mark.parametrize("single", [False, True])
def test_files_that_have_not_changed_are_told_as_the_same_object(tmp_path: Path, single: bool) -> None:
    """However often their directory is read again; another object wakes whoever follows them."""
    directory = tmp_path / "pods" / "prod_shop-0_uid-1" / "app"
    directory.mkdir(parents=True)
    log = directory / "0.log"
    log.touch()
    discovery = Discovery([str(log if single else tmp_path / "pods")], "node-1", Problems())
    (first,) = discovery.scan().values()
    (directory / "core").touch()
    (again,) = discovery.scan().values()
    assert again is first
    log.rename(directory / "0.log.20261121-100000")
    log.touch()
    (rotated,) = discovery.scan().values()
    assert rotated != first
    if not single:
        (other,) = (tmp_path / "pods").iterdir()
        other.rename(tmp_path / "pods" / "prod_shop-1_uid-2")
        assert [found.origin.pod for found in discovery.scan().values()] == ["shop-1"]
        assert discovery.outdated(str(directory))
