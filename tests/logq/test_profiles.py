"""Profiles: which file's settings hold, and what a file of a project may not do."""

import subprocess
from pathlib import Path

import pytest
from logq.stores import LIMIT, Logq, command, environment

from loghouse.errors import UsageError
from loghouse.profiles import load_profile, with_profile

USER = """
tz = "Europe/Berlin"
[profiles.prod]
url = "clickhouse://reader@prod:9000/loghouse"
password_file = "/secret"
namespace = ["prod", "shop"]
[profiles.test]
url = "clickhouse://test:9000/loghouse"
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A project in a directory, and an environment whose user file is beside it."""
    project = tmp_path / "project"
    (project / "deep" / "er").mkdir(parents=True)
    (tmp_path / "user.toml").write_text(USER)
    return project, {"LOGQ_CONFIG": str(tmp_path / "user.toml")}


def test_a_profile_gives_defaults_of_variables(files: tuple[Path, dict[str, str]]) -> None:
    project, environ = files
    variables = with_profile(load_profile("prod", project, environ), environ)
    assert variables == {
        "LOGQ_URL": "clickhouse://reader@prod:9000/loghouse",
        "LOGQ_PASSWORD_FILE": "/secret",
        "LOGQ_NAMESPACE": "prod shop",
        "LOGQ_TZ": "Europe/Berlin",
    }
    environ["LOGQ_TZ"] = "UTC"
    assert "LOGQ_TZ" not in with_profile(load_profile("prod", project, environ), environ)


def test_the_project_chooses_a_profile_and_the_option_wins(files: tuple[Path, dict[str, str]]) -> None:
    project, environ = files
    (project / ".logq.toml").write_text('profile = "test"\nnamespace = "branch-1"\n')
    inside = load_profile(None, project / "deep" / "er", environ)
    assert (inside.name, inside.variables["LOGQ_NAMESPACE"]) == ("test", "branch-1")
    assert inside.sources["LOGQ_NAMESPACE"] == str(project / ".logq.toml")
    assert load_profile("prod", project, environ).name == "prod"
    assert load_profile(None, project, {**environ, "LOGQ_PROFILE": "prod"}).name == "prod"


def test_a_project_outside_the_repository_is_not_looked_at(files: tuple[Path, dict[str, str]]) -> None:
    project, environ = files
    (project / ".logq.toml").write_text('profile = "test"\n')
    (project / "deep" / ".git").mkdir()
    assert load_profile(None, project / "deep" / "er", environ).name == ""


def test_a_project_gets_no_password_for_its_own_store(files: tuple[Path, dict[str, str]]) -> None:
    project, environ = files
    (project / ".logq.toml").write_text('profile = "prod"\nurl = "clickhouse://elsewhere:9000/x"\n')
    environ["LOGQ_PASSWORD_FILE"] = "/other-secret"
    variables = with_profile(load_profile(None, project, environ), environ)
    assert variables["LOGQ_URL"] == "clickhouse://elsewhere:9000/x"
    assert variables["LOGQ_PASSWORD_FILE"] == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('password_file = "/etc/shadow"', "a file of the project"),
        ('pasword = "x"', 'unknown setting "pasword"'),
        ("url = ", "cannot read the settings"),
        ('profile = "nope"', 'unknown profile "nope"'),
        ("namespace = [1]", '"namespace" in'),
        ('namespace = ["a b"]', "has spaces"),
        ("profiles = 3", '"profiles" in'),
        ("profile = 3", '"profile" in'),
    ],
)
def test_a_wrong_file_is_refused(files: tuple[Path, dict[str, str]], text: str, told: str) -> None:
    project, environ = files
    (project / ".logq.toml").write_text(text)
    with pytest.raises(UsageError, match=told):
        load_profile(None, project, environ)


def test_a_search_takes_the_profile(logs_address: str, known: list[bytes], tmp_path: Path) -> None:
    (tmp_path / ".logq.toml").write_text(f'url = "{logs_address}"\nnamespace = "staging"\nlimit = 1\n')

    def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command(*arguments),
            env=environment(LOGQ_CONFIG="/nonexistent"),
            cwd=tmp_path,
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )

    assert run("search", "--since", "7d", "-o", "raw").stdout == b"connection reset by peer\n"
    assert run("search", "-n", "prod", "-o", "raw").stdout == known[-1] + b"\n"
    shown = run("profile").stdout.decode()
    assert f"namespace = staging  ({tmp_path / '.logq.toml'})" in shown
    (tmp_path / ".logq.toml").write_text("nonsense = 1\n")
    wrong = run("search")
    assert (wrong.returncode, wrong.stdout) == (2, b"")
    assert wrong.stderr.startswith(b'error: unknown setting "nonsense"')
    assert run("search", "--help").returncode == 0


def test_no_profile_shows_a_password(logq: Logq, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('url = "clickhouse://me:s3cret@h:9000/x"\n')
    shown = logq("profile", LOGQ_CONFIG=str(config))
    assert b"s3cret" not in shown.stdout
    assert b"clickhouse://me:***@h:9000/x" in shown.stdout
