"""Who may read the pages, and over which TLS: the web configuration file of Prometheus' exporter-toolkit."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exporters.settings import SettingsError

if TYPE_CHECKING:
    import ssl

_CLIENT_AUTH = {
    "": (False, False),
    "NoClientCert": (False, False),
    "RequestClientCert": (True, False),
    "VerifyClientCertIfGiven": (True, False),
    "RequireAnyClientCert": (True, True),
    "RequireAndVerifyClientCert": (True, True),
}
_VERSIONS = {"TLS10": "TLSv1", "TLS11": "TLSv1_1", "TLS12": "TLSv1_2", "TLS13": "TLSv1_3"}
_TLS_KEYS = {
    *("cert_file", "key_file", "client_ca_file", "client_auth_type"),
    *("min_version", "max_version", "cipher_suites"),
}
# Those that exporter-toolkit allows.
_HEADERS = (
    "X-Frame-Options",
    "X-Content-Type-Options",
    "X-XSS-Protection",
    "Strict-Transport-Security",
    "Content-Security-Policy",
)
# Hash of no password: an unknown user costs the same time as a known one.
_NOBODY = "$2b$10$CwTycUXWue0Thq9StjUM0uJ8kTKUlqJvGZDL1yWLzVnSMmTSbmq5G"
_MOST_CACHED = 100


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files of one TLS server configuration."""

    cert: str
    key: str
    client_ca: str = ""
    client_auth: str = ""
    min_version: str = "TLS12"
    max_version: str = ""
    # As Go names them; TLS 1.3 has its own, which cannot be chosen in Go either.
    cipher_suites: tuple[str, ...] = ()

    def stamp(self) -> tuple[int, ...]:
        """Changes when a certificate is renewed."""
        return tuple(_modified(path) for path in (self.cert, self.key, self.client_ca) if path)

    def context(self) -> "ssl.SSLContext":
        """The server's TLS context; SettingsError when a file cannot be used."""
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.minimum_version = ssl.TLSVersion[_VERSIONS[self.min_version]]
            if self.max_version:
                context.maximum_version = ssl.TLSVersion[_VERSIONS[self.max_version]]
            self._choose_ciphers(context)
            context.load_cert_chain(self.cert, self.key)
            ask, require = _CLIENT_AUTH[self.client_auth]
            if self.client_ca:
                context.load_verify_locations(self.client_ca)
                ask, require = (True, True) if not self.client_auth else (ask, require)
            if ask and not self.client_ca:
                raise SettingsError(f"client_auth_type {self.client_auth} needs client_ca_file")
        except KeyError as error:
            raise SettingsError(f"TLS: unknown value {error}") from None
        except OSError as error:
            raise SettingsError(f"TLS: cannot use {self.cert} and {self.key}: {error}") from None
        if require:
            context.verify_mode = ssl.CERT_REQUIRED
        elif ask:
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def _choose_ciphers(self, context: "ssl.SSLContext") -> None:
        names = [_openssl_name(suite) for suite in self.cipher_suites]
        for suite, name in zip(self.cipher_suites, names, strict=True):
            try:
                # One by one, since OpenSSL passes over those it does not know.
                context.set_ciphers(name)
            except OSError:
                raise SettingsError(f"TLS: unknown cipher suite {suite!r}") from None
        if names:
            context.set_ciphers(":".join(names))


@dataclass(slots=True)
class WebAccess:
    """TLS and users of the pages; both may be absent. The next client sees a renewed certificate."""

    tls: TlsFiles | None = None
    users: Mapping[str, str] = field(default_factory=dict)
    # Sent with every answer.
    headers: Mapping[str, str] = field(default_factory=dict)
    _known: dict[bytes, bool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _context: "tuple[tuple[int, ...], ssl.SSLContext] | None" = None

    def context(self) -> "ssl.SSLContext | None":
        """The TLS context for the next connection, or None for plain HTTP."""
        if self.tls is None:
            return None
        with self._lock:
            stamp = self.tls.stamp()
            if self._context is None or self._context[0] != stamp:
                self._context = (stamp, self.tls.context())
            return self._context[1]

    def permits(self, authorization: str) -> bool:
        """Whether an Authorization header names a user and their password; always true without users."""
        if not self.users:
            return True
        # Imported here: hashing loads OpenSSL, 4 MB that an exporter without users does not need.
        import base64
        import binascii

        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return self._check(user, password)

    def _check(self, user: str, password: str) -> bool:
        """bcrypt is slow on purpose, so its verdicts are remembered by a hash of what was asked."""
        import hashlib

        stored = self.users.get(user, _NOBODY)
        asked = hashlib.sha256("\0".join((user, stored, password)).encode()).digest()
        with self._lock:
            known = self._known.get(asked)
        if known is None:
            known = _matches(password, stored) and user in self.users
            with self._lock:
                if len(self._known) >= _MOST_CACHED:
                    self._known.clear()
                self._known[asked] = known
        return known


def read_web_config(path: str) -> WebAccess:
    """The `--web.config.file` of exporter-toolkit: `tls_server_config` and `basic_auth_users`."""
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            data = yaml.safe_load(file) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from None
    if not isinstance(data, dict):
        raise SettingsError(f"{path}: not a table of settings")
    _refuse_unknown(data, {"tls_server_config", "basic_auth_users", "http_server_config"}, path)
    access = WebAccess(
        _tls_files(data.get("tls_server_config"), path), _users(data, path), _headers(data, path)
    )
    access.context()
    return access


def _tls_files(table: Any, path: str) -> TlsFiles | None:
    if not table:
        return None
    # The last two are accepted and left to OpenSSL's own good choice.
    _refuse_unknown(table, _TLS_KEYS | {"curve_preferences", "prefer_server_cipher_suites"}, path)
    folder = os.path.dirname(os.path.abspath(path))

    def file(key: str) -> str:
        return os.path.join(folder, str(table[key])) if table.get(key) else ""

    if not table.get("cert_file") or not table.get("key_file"):
        raise SettingsError(f"{path}: tls_server_config needs cert_file and key_file")
    return TlsFiles(
        file("cert_file"),
        file("key_file"),
        file("client_ca_file"),
        str(table.get("client_auth_type", "")),
        str(table.get("min_version", "TLS12")),
        str(table.get("max_version", "")),
        tuple(str(suite) for suite in table.get("cipher_suites") or ()),
    )


def _openssl_name(suite: str) -> str:
    """TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 as ECDHE-RSA-AES128-GCM-SHA256."""
    exchange, _, cipher = suite.removeprefix("TLS_").partition("_WITH_")
    cipher = cipher.replace("AES_", "AES").replace("_CBC", "").replace("POLY1305_SHA256", "POLY1305")
    return (cipher if exchange == "RSA" else f"{exchange}_{cipher}").replace("_", "-")


def _users(data: Mapping[str, Any], path: str) -> Mapping[str, str]:
    users = data.get("basic_auth_users") or {}
    for user, stored in users.items():
        if not str(stored).startswith(("$2a$", "$2b$", "$2y$")):
            raise SettingsError(f"{path}: the password of user {user!r} is not a bcrypt hash")
    return {str(user): str(stored) for user, stored in users.items()}


def _headers(data: Mapping[str, Any], path: str) -> Mapping[str, str]:
    server = data.get("http_server_config") or {}
    # HTTP/2 is never spoken, so that nothing can be asked about it but to leave it out.
    _refuse_unknown(server, {"headers", "http2"}, path)
    headers = {str(name): str(value) for name, value in (server.get("headers") or {}).items()}
    for name, value in headers.items():
        if name not in _HEADERS:
            raise SettingsError(f"{path}: unknown header {name!r}; known are {', '.join(_HEADERS)}")
        if not value.isprintable():
            raise SettingsError(f"{path}: the header {name} holds control characters")
    return headers


def _refuse_unknown(table: Mapping[str, Any], known: set[str], path: str) -> None:
    for key in table:
        if key not in known:
            raise SettingsError(f"{path}: unknown setting {key!r}; known are {', '.join(sorted(known))}")


def _matches(password: str, stored: str) -> bool:
    import bcrypt

    try:
        # bcrypt reads 72 bytes; longer passwords are refused by the library instead of being cut.
        return bcrypt.checkpw(password.encode()[:72], stored.encode())
    except ValueError:
        return False


def _modified(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
