"""Ports that are free, taken, or taken by somebody we can name."""

import os
import socket

import pytest

from volundr.domain.errors import Unavailable
from volundr.local.listeners import bind, owner


def test_a_taken_port_that_was_asked_for_is_an_error_that_names_the_owner() -> None:
    with bind("127.0.0.1", 0, exact=False) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=rf"Port {port} is taken \(by .*, process {os.getpid()}\)") as caught:
            bind("127.0.0.1", port, exact=True)
        assert "--port 0" in caught.value.hint


def test_a_taken_default_port_leads_to_another_one() -> None:
    with bind("127.0.0.1", 0, exact=False) as taken:
        port = taken.getsockname()[1]
        with bind("127.0.0.1", port, exact=False) as other:
            assert other.getsockname()[1] != port


def test_a_port_that_somebody_has_as_localhost_on_ipv6_counts_as_taken() -> None:
    with socket.socket(socket.AF_INET6) as taken:
        try:
            taken.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match="taken"):
            bind("127.0.0.1", port, exact=True)


def test_nobody_owns_a_free_port() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert owner(port) == ""


def test_an_address_of_another_machine_is_refused_with_a_way_out() -> None:
    with pytest.raises(Unavailable, match=r"cannot listen on 192\.0\.2\.1"):
        bind("192.0.2.1", 0, exact=False)
