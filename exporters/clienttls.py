"""TLS towards a target: CA, client certificate, verification."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from exporters.errors import ScrapeError
from exporters.settings import SettingsError

if TYPE_CHECKING:
    import ssl


def client_context(ca: str, cert: str, key: str, skip_verification: bool) -> "ssl.SSLContext":
    """The context for these files, read anew after a renewal; ScrapeError("config") if one is unusable."""
    files = (ca, cert, key)
    return _context(files, tuple(_modified(path) for path in files), skip_verification)


def check_key_pair(cert: str, key: str, flags: tuple[str, str]) -> None:
    """SettingsError that names the flags when one of certificate and key is given without the other."""
    if bool(cert) != bool(key):
        raise SettingsError(f"{' and '.join(flags)} need each other")


@lru_cache(maxsize=16)
def _context(
    files: tuple[str, str, str], stamps: tuple[int, ...], skip_verification: bool
) -> "ssl.SSLContext":
    import ssl

    ca, cert, key = files
    try:
        context = ssl.create_default_context(cafile=ca or None)
        if cert or key:
            context.load_cert_chain(cert, key)
    except OSError as error:
        raise ScrapeError(
            "config", f"cannot use the TLS files {', '.join(filter(None, files))}: {error}"
        ) from None
    if skip_verification:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _modified(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns if path else 0
    except OSError:
        return 0
