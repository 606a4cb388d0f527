"""Secrets are masked, nothing else is, and every byte stays at its place."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loghouse.filters.masks import CARDS, SECRETS, Mask, Masks

ALL = (*SECRETS, *CARDS)
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq\nx0+/Qz8=\n-----END RSA PRIVATE KEY-----"


def mask(text: str, masks: Sequence[Mask] = ALL, record: bool = False) -> tuple[str, dict[str, int]]:
    found = Masks(masks)
    data = text.encode()
    masked = found.apply(data, record)
    assert len(masked) == len(data)
    return masked.decode(), dict(found.counts)


@pytest.mark.parametrize(
    ("text", "secret", "name"),
    [
        ("Authorization: Bearer abcdef0123456789abcdef", "abcdef0123456789abcdef", "authorization"),
        ("authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA==", "authorization"),
        ('"Authorization": "token 0123abcd"', "0123abcd", "authorization"),
        (r"{\"authorization\":\"0123abcd\"}", "0123abcd", "authorization"),
        (f"token is {JWT} ok", JWT, "jwt"),
        ("key AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE", "aws-key"),
        (
            "maps AIzaSyA1234567890abcdefghijklmnopqrstuv",
            "AIzaSyA1234567890abcdefghijklmnopqrstuv",
            "google-key",
        ),
        (
            "push ghp_0123456789abcdefghijABCDEFGHIJ012345 done",
            "ghp_0123456789abcdefghijABCDEFGHIJ012345",
            "github-token",
        ),
        ("glpat-0123456789abcdefghij", "glpat-0123456789abcdefghij", "gitlab-token"),
        ("xoxb-123456789012-abcdefGHIJ", "xoxb-123456789012-abcdefGHIJ", "slack-token"),
        ("sk_live_0123456789abcdefABCDEF", "sk_live_0123456789abcdefABCDEF", "stripe-key"),
        ("password=hunter2 ok", "hunter2", "password"),
        ("DB_PASSWORD: hunter2", "hunter2", "password"),
        ("?access_token=abc123&page=2", "abc123", "password"),
        ("client_secret='two words'", "two words", "password"),
        ('{"apiKey":"k-1","x":1}', "k-1", "password"),
        ('{"password": "a\\"b\\\\c", "x": "y"}', 'a\\"b\\\\c', "password"),
        (r'{"log":"{\"passwd\":\"hunter2\",\"x\":\"y\"}\n"}', "hunter2", "password"),
        ("postgres://shop:hunter2@db.example:5432/shop", "hunter2", "url"),
        ("amqp://guest:p%40ss@rabbitmq/", "p%40ss", "url"),
        ("paid with 4111 1111 1111 1111 today", "4111 1111 1111 1111", "card"),
        ('{"pan":"5500005555555559"}', "5500005555555559", "card"),
        ("amex 3782-822463-10005.", "3782-822463-10005", "card"),
    ],
)
def test_a_secret_is_masked(text: str, secret: str, name: str) -> None:
    masked, counts = mask(text)
    assert masked == text.replace(secret, "*" * len(secret))
    assert counts == {name: 1}


@pytest.mark.parametrize(
    "text",
    [
        '2026-11-20T08:00:00.000000001Z stdout F {"ts":1763625612123456789,"status":200}',
        "tokens: 512, max_tokens=4096, token_count=7",
        'ssl.keystore.password = null, "secret":null, token=true',
        "the password was wrong",
        "http://example.com:8080/path@home user@example.com",
        "id 4111111111111112 fails the check digit",
        "ratio 0.4111111111111111 of 1",
        "request 41111111-1111-1111-af09-000000000000",
        "2222222222222222 4444444444444444",
        "sha 4111111111111111abc",
        "bearer of bad news",
        "AKIA is short, ghp_ too",
        "basic auth failed for user bob",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask(text) == (text, {})


def test_a_masked_secret_is_not_masked_again() -> None:
    once, _ = mask("password=hunter2 authorization: abcdefgh amqp://a:b@c")
    assert mask(once) == (once, {})


def test_json_stays_json() -> None:
    value = {
        "password": 'quote " and \\ backslash',
        "nested": {"token": "t\n\u00e9"},
        "card": "4111111111111111",
    }
    for data in (json.dumps(value), json.dumps({"log": json.dumps(value) + "\n", "stream": "stdout"})):
        masked, _ = mask(data)
        read = json.loads(masked)
        inner = json.loads(read["log"]) if "log" in read else read
        assert set(inner["password"]) == set(inner["nested"]["token"]) == {"*"}


def test_a_private_key_over_several_lines_of_a_record() -> None:
    masked, counts = mask(f"loaded {PEM} ok", record=True)
    assert "MIIE" not in masked
    assert "x0+" not in masked
    assert masked.startswith("loaded -----BEGIN RSA PRIVATE KEY-----*")
    assert counts == {"private-key": 1}


def test_a_private_key_in_json() -> None:
    masked, _ = mask(json.dumps({"key": PEM, "x": 1}))
    assert "MIIE" not in masked
    assert json.loads(masked)["x"] == 1


def test_a_private_key_does_not_reach_into_the_next_record() -> None:
    text = "-----BEGIN PRIVATE KEY-----\nnext record\n-----END PRIVATE KEY-----\n"
    assert mask(text)[0] == text


def test_many_secrets_of_a_chunk_are_counted_by_rule() -> None:
    text = "".join(f"user {number} password=p{number} card 4111111111111111\n" for number in range(100))
    masked, counts = mask(text)
    assert counts == {"password": 100, "card": 100}
    assert "4111" not in masked


def test_an_own_mask_and_its_group() -> None:
    rules = (Mask("customer", r"customer=(\d+)"), Mask("whole", r"secret-\w+"))
    masked, counts = mask("customer=1234 secret-plan", rules)
    assert masked == "customer=**** ***********"
    assert counts == {"customer": 1, "whole": 1}


def test_no_masks() -> None:
    assert mask("password=x", ()) == ("password=x", {})


@given(st.binary(max_size=300))
def test_any_bytes_keep_their_length_and_lines(data: bytes) -> None:
    masked = Masks(ALL).apply(data, True)
    assert len(masked) == len(data)
    assert all(new in (old, ord("*")) for new, old in zip(masked, data, strict=True))
    assert Masks(ALL).apply(data, False).count(b"\n") == data.count(b"\n")
