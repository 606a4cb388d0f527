"""The files of the page: all there, kept by browsers for good, and nothing else beside them."""

import re
from importlib.resources import files

import httpx
import pytest

# What would make markup or code of text.
MARKUP_FROM_TEXT = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"


def test_every_file_that_the_page_names_is_there_and_is_kept(page: httpx.Client) -> None:
    index = page.get("/")
    assert index.headers["cache-control"] == "no-cache"
    named = set(re.findall(r'(?:href|src)="(assets/[^"]+)"', index.text))
    scripts = files("loghouse.web").joinpath("static", "js")
    assert {name.rpartition("/")[2] for name in named} >= {script.name for script in scripts.iterdir()}
    for name in sorted(named):
        answer = page.get(f"/{name}")
        assert answer.status_code == 200, name
        assert "immutable" in answer.headers["cache-control"]
        if name.endswith(".js"):
            assert answer.headers["content-type"].startswith("text/javascript")
            for other in re.findall(r'from "\./([^"]+)"', answer.text):
                assert scripts.joinpath(other).is_file(), f"{name} needs {other}"


def test_a_browser_that_has_the_page_is_not_sent_it_again(page: httpx.Client) -> None:
    first = page.get("/")
    again = page.get("/", headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert page.get("/", headers={"If-None-Match": '"other"'}).text == first.text


@pytest.mark.parametrize("path", ["/", "/api/v1/openapi.json", "/api/v1/search?format=jsonl"])
def test_answers_are_compressed_for_those_who_can_read_it(page: httpx.Client, path: str) -> None:
    plain = page.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    packed = page.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"].lower()
    assert packed.content == plain.content
    assert packed.num_bytes_downloaded < plain.num_bytes_downloaded / 2


def test_events_of_a_tail_are_not_held_back_by_a_compressor(page: httpx.Client) -> None:
    with page.stream("GET", "/api/v1/tail", headers={"Accept-Encoding": "gzip"}) as answer:
        assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    "path",
    ["/assets/", "/assets/0000000000000000/js/main.js", "/assets/%2e%2e/pages.py", "/static/", "/js/main.js"],
)
def test_nothing_else_is_served(page: httpx.Client, path: str) -> None:
    assert page.get(path).status_code == 404


def test_the_page_brings_everything_itself() -> None:
    root = files("loghouse.web").joinpath("static")
    texts = [each.read_text() for folder in ("js", "css") for each in root.joinpath(folder).iterdir()]
    texts.append(root.joinpath("index.html").read_text())
    for text in texts:
        outside = re.findall(r"https?://[^\s\"'`)]+", text)
        assert set(outside) <= {"http://www.w3.org/2000/svg"}
        assert not re.search(MARKUP_FROM_TEXT, text)
