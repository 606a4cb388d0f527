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
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
        )
