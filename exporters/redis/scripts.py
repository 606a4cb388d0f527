"""Metrics from the operator's own Lua scripts."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from exporters.catalogue import Page
from exporters.redis.client import Client
from exporters.redis.resp import ErrorReply, as_map, as_number
from exporters.settings import SettingsError


def read_scripts(paths: Iterable[str]) -> Mapping[str, bytes]:
    """The scripts by path; SettingsError when one cannot be read."""
    scripts = {}
    for path in paths:
        try:
            scripts[path] = Path(path).read_bytes()
        except OSError as error:
            raise SettingsError(f"--script: cannot read {path}: {error.strerror}") from None
    return scripts


def add_scripts(page: Page, client: Client, scripts: Mapping[str, bytes], read_only: bool) -> None:
    """Run every script; each returns names and numbers in turn."""
    evaluate = "EVAL_RO" if read_only else "EVAL"
    replies = client.pipeline([(evaluate, script, 0, 0) for script in scripts.values()])
    for path, reply in zip(scripts, replies, strict=True):
        values = {key: as_number(value) for key, value in as_map(reply).items()}
        if isinstance(reply, ErrorReply) or None in values.values():
            page.add("script_result", 0, path)
            continue
        page.add("script_result", 1 if values else 2, path)
        for key, value in values.items():
            if value is not None:
                page.add("script_values", value, key, path)
