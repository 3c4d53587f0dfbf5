"""The fixtures of the end-to-end tests, and the agents that every kill is tried with."""

import pytest

from tests.e2e.conftest import claude, forge, model

__all__ = ["agent", "claude", "forge", "model"]


@pytest.fixture(params=["demo", "claude"])
def agent(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("claude")) if request.param == "claude" else "demo"
