"""The access file: what it grants, and what it does not let pass."""

from pathlib import Path

import pytest
from logq.stores import environment

from loghouse.access.file import read_access
from loghouse.access.people import Mode
from loghouse.access.secrets import digest_of, hashed, hashed_for_clickhouse, is_password, new_token
from loghouse.errors import UsageError

HASH = hashed("correct horse")


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "access.toml"
    path.write_text(text.replace("HASH", HASH))
    return path


def test_a_person_has_the_rights_of_all_groups_and_the_masks_of_all(tmp_path: Path) -> None:
    access = read_access(
        _file(
            tmp_path,
            """
            [users.ann]
            password = "HASH"
            groups = ["shop", "audit"]
            namespaces = ["tools"]
            [groups.shop]
            namespaces = ["shop-*"]
            [groups.audit]
            namespaces = ["prod"]
            masks = ["card"]
            """,
        )
    )
    ann = access.person("ann")
    assert access.mode is Mode.USERS
    assert set(ann.namespaces) == {"tools", "shop-*", "prod"}
    assert ann.masks == ("card",)
    assert not ann.admin
    assert access.person("nobody").namespaces == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mode = 'guests'", "guests"),
        ("[users.ann]", "no password"),
        ("[users.ann]\npassword = 'plain'", "Argon2id or bcrypt"),
        ("trusted_proxies = ['ingress']", "not a network"),
        ("[users.ann]\npassword = 'HASH'\nnamespace = ['prod']", 'unknown setting "namespace"'),
        ("[users.ann]\npassword = 'HASH'\nnamespaces = ['pr(od)?']", "not a pattern"),
        ("[users.ann]\npassword = 'HASH'\nnamespaces = 'prod'", "not a list"),
        ("[users.ann]\npassword = 'HASH'\ngroups = ['absent']", "absent"),
        ("[users.'ann; drop']\npassword = 'HASH'", "not a name"),
        ("[users.ann]\npassword = 'HASH'\nmasks = [\"it's\"]", "not the name of a field"),
        ("[users.ann]\npassword = 'HASH'\nadmin = 'no'", "neither true nor false"),
        ("[tokens.ci]\ndigest = 'secret'\nuser = 'ann'", "sha256"),
        ("mode = 'proxy'", "[proxy]"),
        ("mode = 'proxy'\n[proxy]\nuser_header = 'X-User'", "no network"),
        ("mode = 'proxy'\n[proxy]\ntrusted = ['everywhere']", "not a network"),
        ("mode = 'oidc'", "[oidc]"),
        ("mode = 'oidc'\n[oidc]\nissuer = 'https://id.example'", "client_id"),
        ("users = 3", "not a table"),
        ("[users.ann\n", "cannot read"),
    ],
)
def test_what_is_not_plain_stops_the_start_and_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        read_access(_file(tmp_path, text))
    assert told in error.value.message


def test_passwords_are_compared_by_their_hash_alone() -> None:
    assert is_password("correct horse", HASH)
    assert not is_password("correct hors", HASH)
    assert not is_password("", "")
    assert not is_password("x" * 100, HASH)
    with pytest.raises(ValueError):
        hashed_for_clickhouse("x" * 73)


def test_a_token_is_known_by_its_digest() -> None:
    token, digest = new_token()
    assert digest == digest_of(token)
    assert token not in digest


def test_the_commands_make_hashes_and_show_the_file(tmp_path: Path) -> None:
    import subprocess
    import sys

    def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from loghouse.cli import main; main()", "access", *arguments]
        return subprocess.run(
            command, input=given, env=environment(), capture_output=True, text=True, timeout=60, check=False
        )

    for options, kind in (((), "$argon2id$"), (("--clickhouse",), "$2b$12$")):
        made = run("hash", *options, given="secret\n").stdout.strip()
        assert made.startswith(kind)
        assert is_password("secret", made)
    assert run("hash").returncode == 2
    path = _file(tmp_path, "[users.ann]\npassword = 'HASH'\nnamespaces = ['prod']\nmasks = ['card']\n")
    shown = run("show", str(path))
    assert "user ann: reads prod; without card" in shown.stdout
    dry = run("apply", str(path), "--dry-run", "--url", "clickhouse://x/loghouse")
    assert "CREATE ROW POLICY" in dry.stdout
    assert "no account for ann" in dry.stderr
