"""What was asked for is there under its name: ports, services, routes."""

import ast
import inspect

import pytest

from tests.rules.tree import ROOT, parsed, sources
from volundr.api.routes import routers

PORTS = [
    "SessionRepository",
    "ChronicleRepository",
    "TimelineRepository",
    "PodManager",
    "StoragePort",
    "GatewayPort",
    "CredentialStorePort",
    "SecretInjectionPort",
    "IdentityPort",
    "AuthorizationPort",
    "GitProvider",
    "GitWorkflowProvider",
    "EventSink",
    "EventBroadcaster",
    "ProfileProvider",
    "TemplateProvider",
    "TokenTracker",
    "PricingProvider",
    "ResourceProvider",
    "IssueTrackerProvider",
    "SecretManager",
    "MCPServerProvider",
    "PresetRepository",
    "SavedPromptRepository",
    "SessionContributor",
    "StatsRepository",
    "UserRepository",
    "TenantRepository",
    "IntegrationRepository",
    "ProjectMappingRepository",
    "SessionEventRepository",
    "SecretRepository",
]

SERVICES = [
    "SessionService",
    "ChronicleService",
    "GitWorkflowService",
    "TenantService",
    "TokenService",
    "StatsService",
    "RepoService",
    "CredentialService",
    "PresetService",
    "PromptService",
    "TrackerService",
    "EventIngestionService",
    "IntegrationRegistry",
    "UserIntegrationService",
    "ForgeProfileService",
    "WorkspaceTemplateService",
    "WorkspaceService",
]

PREFIXES = [
    "/sessions",
    "/chronicles",
    "/models",
    "/stats",
    "/git",
    "/profiles",
    "/templates",
    "/presets",
    "/prompts",
    "/tenants",
    "/users",
    "/credentials",
    "/mcp-servers",
    "/secrets",
    "/sessions/{session_id}/events",
    "/integrations",
    "/tracker",
    "/resources",
    "/admin/settings",
    "/stream",
    "/audit",
    "/workspaces",
]

MOST_METHODS = 9
"""Seven is what a port should have; two may be more where the seed's own words ask for it."""


def classes() -> dict[str, list[ast.ClassDef]]:
    found: dict[str, list[ast.ClassDef]] = {}
    for path in sources():
        if path.is_relative_to(ROOT / "volundr/domain") or path.is_relative_to(ROOT / "volundr/broker"):
            for node in ast.walk(parsed(path)):
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, []).append(node)
    return found


CLASSES = classes()


@pytest.mark.parametrize("name", PORTS)
def test_every_port_is_a_small_abstract_class_that_says_what_it_guarantees(name: str) -> None:
    assert len(CLASSES.get(name, [])) == 1, f"{name} is defined {len(CLASSES.get(name, []))} times in the domain"
    port = CLASSES[name][0]
    methods = [one for one in port.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    abstract = [
        one for one in methods if any(isinstance(mark, ast.Name) and mark.id == "abstractmethod" for mark in one.decorator_list)
    ]
    assert abstract, f"{name} has no abstract method"
    assert len(methods) <= MOST_METHODS, f"{name} has {len(methods)} methods"
    assert ast.get_docstring(port), f"{name} says nothing"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_there(name: str) -> None:
    assert len(CLASSES.get(name, [])) == 1
    assert ast.get_docstring(CLASSES[name][0])


def served(prefix: str) -> bool:
    paths = {getattr(route, "path", "") for router in routers() for route in router.routes}
    return any(path == f"/api/v1{prefix}" or path.startswith(f"/api/v1{prefix}/") for path in paths)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_resource_has_its_routes(prefix: str) -> None:
    assert served(prefix)


def test_one_resource_is_one_file() -> None:
    """A path's first part (after the version) is served by few modules: what belongs together stands together."""
    homes: dict[str, set[str]] = {}
    for router in routers():
        for route in router.routes:
            endpoint = getattr(route, "endpoint", None)
            if endpoint is not None:
                homes.setdefault(getattr(route, "path", ""), set()).add(inspect.getmodule(endpoint).__name__)  # type: ignore[union-attr]
    assert not {path: found for path, found in homes.items() if len(found) > 1}
