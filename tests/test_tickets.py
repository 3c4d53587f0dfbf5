"""Tickets open one session for a minute, and the keys of one purpose say nothing about those of another."""

import base64
import json
import re

import pytest

from volundr.domain.errors import Forbidden
from volundr.domain.tickets import LIFETIME_SECONDS, derive, issue, verify

NOW = 1_700_000_000.0
SECRET = derive("master", "session:s1")


def test_a_ticket_names_its_holder_and_fits_a_subprotocol() -> None:
    text = issue(SECRET, "s1", "lina", NOW)
    ticket = verify(SECRET, "s1", text, NOW + LIFETIME_SECONDS - 1)
    assert (ticket.session, ticket.subject, ticket.expires) == ("s1", "lina", NOW + LIFETIME_SECONDS)
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", text)


def test_no_two_tickets_are_the_same() -> None:
    assert len({verify(SECRET, "s1", issue(SECRET, "s1", "lina", NOW), NOW).nonce for _ in range(100)}) == 100


def test_a_ticket_is_over_after_a_minute() -> None:
    with pytest.raises(Forbidden, match="over"):
        verify(SECRET, "s1", issue(SECRET, "s1", "lina", NOW), NOW + LIFETIME_SECONDS + 1)


def test_a_ticket_opens_only_the_session_it_was_made_for() -> None:
    text = issue(SECRET, "s1", "lina", NOW)
    with pytest.raises(Forbidden):
        verify(SECRET, "s2", text, NOW)
    with pytest.raises(Forbidden):
        verify(derive("master", "session:s2"), "s2", text, NOW)


def test_a_changed_ticket_is_worth_nothing() -> None:
    payload, _, signature = issue(SECRET, "s1", "lina", NOW).partition(".")
    body = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps(body | {"expires": NOW * 2}).encode()).rstrip(b"=").decode()
    for text in (f"{forged}.{signature}", f"{payload}.{signature[:-2]}", payload, "", ".", "ü.ü", f"{payload}.{signature}.x"):
        with pytest.raises(Forbidden):
            verify(SECRET, "s1", text, NOW)


def test_a_signed_text_that_is_no_ticket_is_refused() -> None:
    from volundr.domain.tickets import _encode, _sign

    for body in (b"no json", b"[]", b"{}", b'{"session": "s1"}'):
        payload = _encode(body)
        with pytest.raises(Forbidden):
            verify(SECRET, "s1", f"{payload}.{_sign(SECRET, payload)}", NOW)


def test_keys_for_different_purposes_differ() -> None:
    assert len({derive("master", purpose) for purpose in ("skuld", "session:a", "session:b", "cli", "report")}) == 5
    assert derive("master", "skuld") == derive("master", "skuld") != derive("other", "skuld")
