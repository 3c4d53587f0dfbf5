"""Every route keeps the conventions of docs/reference/api.md, as the OpenAPI document shows them."""

from collections.abc import Iterator
from typing import Any

import pytest

from volundr.document import openapi_document

DOCUMENT = openapi_document()
SCHEMAS = DOCUMENT["components"]["schemas"]
OURS = "/api/v1/"
WHOLE = {
    "/api/v1/agents": "what was found on the machine: a handful",
}
"""Lists that come whole, and why that is bounded."""
ONE_ORDER = {"GET /api/v1/sessions/{session_id}/timeline": "as it happened"}
"""Lists that have one order alone."""


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        if path.startswith(OURS):
            for method, operation in methods.items():
                yield method, path, operation


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return dict(SCHEMAS[name]) if name else schema


def answer(operation: dict[str, Any]) -> dict[str, Any]:
    for status in ("200", "201", "202"):
        if status in operation["responses"]:
            content = operation["responses"][status].get("content", {}).get("application/json", {})
            return resolved(content.get("schema", {}))
    return {}


def parameters(operation: dict[str, Any]) -> set[str]:
    return {one["name"].lower() for one in operation.get("parameters", [])}


OPERATIONS = {f"{method.upper()} {path}": operation for method, path, operation in operations()}
LISTS = {
    name: operation
    for name, operation in OPERATIONS.items()
    if name.startswith("GET ") and {"items", "next"} <= set(answer(operation).get("properties", {}))
}


@pytest.mark.parametrize("name", sorted(LISTS.keys() - ONE_ORDER.keys()))
def test_a_list_is_paged_and_sorted(name: str) -> None:
    assert {"cursor", "limit", "sort"} <= parameters(LISTS[name])


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_no_answer_is_a_bare_array(name: str) -> None:
    path = name.partition(" ")[2]
    assert path in WHOLE or answer(OPERATIONS[name]).get("type") != "array"


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_error_is_a_problem(name: str) -> None:
    assert "application/problem+json" in OPERATIONS[name]["responses"]["default"]["content"]


def changes_what_has_a_revision(name: str) -> bool:
    method = name.partition(" ")[0]
    if method not in {"PATCH", "PUT"}:
        return False
    return "revision" in answer(OPERATIONS[name]).get("properties", {})


@pytest.mark.parametrize("name", sorted(name for name in OPERATIONS if changes_what_has_a_revision(name)))
def test_what_has_a_revision_can_be_changed_with_if_match(name: str) -> None:
    assert "if-match" in parameters(OPERATIONS[name])


def bodies() -> dict[str, dict[str, Any]]:
    found = {}
    for operation in OPERATIONS.values():
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        if "$ref" in schema:
            found[schema["$ref"].rpartition("/")[2]] = resolved(schema)
    return found


@pytest.mark.parametrize("name", sorted(bodies()))
def test_a_body_refuses_fields_it_does_not_know(name: str) -> None:
    assert bodies()[name].get("additionalProperties") is False


def test_every_route_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(names) == len(set(names))
