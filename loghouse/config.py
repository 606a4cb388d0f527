"""Settings, read once: the only module of loghouse that looks at the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from loghouse.errors import UsageError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 9000
DEFAULT_DATABASE = "loghouse"
DEFAULT_URL = f"clickhouse://{DEFAULT_HOST}:{DEFAULT_PORT}/{DEFAULT_DATABASE}"


@dataclass(frozen=True, slots=True)
class StoreUrl:
    """Where the store is: `clickhouse://user:password@host:port/database?secure=1`."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    database: str = DEFAULT_DATABASE
    user: str = "default"
    password: str = field(default="", repr=False)
    secure: bool = False

    @property
    def address(self) -> str:
        """`host:port`, safe to show."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_store_url(text: str) -> StoreUrl:
    """Read a store URL; raises `UsageError` that names the wrong part, never the password."""
    example = f"Write it like {DEFAULT_URL} or clickhouse://user:password@host:9000/loghouse"
    try:
        url = urlsplit(text if "://" in text else f"clickhouse://{text}")
        (url.hostname or DEFAULT_HOST).encode("idna")  # as the connection will
    except ValueError:  # of an address in brackets, or of a name with a part that is empty or too long
        raise UsageError("the host in the store URL is not a name or an address", example) from None
    if url.scheme not in ("clickhouse", "clickhouses"):
        raise UsageError(f'unknown scheme "{url.scheme}" in the store URL', example)
    if url.fragment:
        raise UsageError('the store URL has a "#": write it as %23 if it belongs to the password', example)
    try:
        port = url.port
    except ValueError:
        raise UsageError("the port in the store URL is not a number from 1 to 65535", example) from None
    options = dict(parse_qsl(url.query, keep_blank_values=True))
    secure = options.pop("secure", "0") in ("1", "true", "yes") or url.scheme == "clickhouses"
    if options:
        raise UsageError(f'unknown option "{next(iter(options))}" in the store URL', "Known: secure=1")
    return StoreUrl(
        host=url.hostname or DEFAULT_HOST,
        port=port or (9440 if secure else DEFAULT_PORT),
        database=unquote(url.path.strip("/")) or DEFAULT_DATABASE,
        user=unquote(url.username or "") or "default",
        password=unquote(url.password or ""),
        secure=secure,
    )


def store_url(option: str | None, environ: Mapping[str, str] = os.environ) -> StoreUrl:
    """The store to use: the option, else LOGQ_URL, else the embedded default.

    A password can stay out of both: LOGQ_PASSWORD_FILE names a file that holds it.
    """
    url = parse_store_url(option or environ.get("LOGQ_URL") or DEFAULT_URL)
    path = environ.get("LOGQ_PASSWORD_FILE")
    if not path or url.password:
        return url
    try:
        with open(path, encoding="utf-8") as secret:
            password = secret.read().strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f'cannot read the password file "{path}" ({error})', "Check LOGQ_PASSWORD_FILE"
        ) from None
    return StoreUrl(url.host, url.port, url.database, url.user, password, url.secure)


def wants_colour(choice: str, terminal: bool, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour: `--color always` and `never` decide, else only a terminal without NO_COLOR."""
    if choice != "auto":
        return choice == "always"
    return terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def take_profile(name: str | None) -> None:
    """Make the settings of a profile (docs/logq.md) defaults of the variables that are not set."""
    from loghouse.profiles import load_profile, with_profile

    os.environ.update(with_profile(load_profile(name, Path.cwd(), os.environ), os.environ))


def default_state_dir(environ: Mapping[str, str] = os.environ) -> str:
    """Where offsets are kept unless told: for root the system's place, else the user's."""
    if os.geteuid() == 0:
        return "/var/lib/loghouse/ship"
    home = environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(home, "loghouse", "ship")
