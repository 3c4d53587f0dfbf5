"""Every module has a test that imports it, or one that is named here and runs it through what uses it."""

import ast

from tests.rules.tree import ROOT, named, parsed, sources, tracked

THROUGH = {
    "volundr.api.audit": "test_audit",
    "volundr.wiring.auditing": "test_audit",
    "volundr.api.mcp_servers": "test_mcp",
    "volundr.api.secrets": "test_mcp",
    "volundr.domain.mcp": "test_mcp",
    "volundr.api.admin_settings": "test_running",
    "volundr.api.budgets": "test_budgets",
    "volundr.api.resources": "test_running",
    "volundr.api.workspaces": "test_storage",
    "volundr.domain.admin_settings": "test_running",
    "volundr.domain.budget_watch": "test_budgets",
    "volundr.store.admin_settings": "test_running",
    "volundr.store.budgets": "test_budgets",
    "volundr.wiring.running": "test_running",
    "volundr.wiring.templates": "test_templates",
    "volundr.store.profiles": "test_templates",
    "volundr.api.prompts": "test_prompts",
    "volundr.api.presets": "test_presets",
    "volundr.api.templates": "test_templates",
    "volundr.api.profiles": "test_templates",
    "volundr.api.definitions": "test_front_door",
    "volundr.api.deps": "test_api_sessions",
    "volundr.api.health": "test_api_system",
    "volundr.api.openapi": "rules/test_generated",
    "volundr.api.retention": "test_retention_local",
    "volundr.api.sessions": "test_api_sessions",
    "volundr.api.system": "test_api_system",
    "volundr.broker.always": "test_broker",
    "volundr.wiring.books": "test_reports_whole",
    "volundr.wiring.ground": "test_api_sessions",
    "volundr.api.git": "test_git_api",
    "volundr.api.tracker": "test_git_api",
    "volundr.api.integrations": "test_git_api",
    "volundr.wiring.hosts": "test_git_api",
    "volundr.api.access_tokens": "test_tenancy",
    "volundr.api.tenants": "test_tenancy",
    "volundr.api.users": "test_tenancy",
    "volundr.api.credentials": "test_credentials",
    "volundr.wiring.credentials": "test_credentials",
    "volundr.api.events": "test_events",
    "volundr.domain.session_watch": "test_four_workers",
    "volundr.wiring.events": "test_events",
    "volundr.db.listing": "test_session_store",
    "volundr.wiring.entry": "test_tenancy",
    "volundr.wiring.sharing": "test_four_workers",
    "volundr.wiring.tenancy": "test_tenancy",
    "volundr.wiring.tokens": "test_stats",
    "volundr.api.usage": "test_stats",
    "volundr.api.models": "test_stats",
    "volundr.domain.models": "test_stats",
    "volundr.api.stats": "test_stats",
    "volundr.wiring.once": "test_idempotency",
    "volundr.wiring.watching": "test_metrics",
    "volundr.wiring.parts": "test_api_sessions",
    "volundr.wiring.resting": "test_retention_local",
    "volundr.api.idempotency": "test_idempotency",
    "volundr.store.census": "test_metrics",
    "volundr.api.metered": "test_metrics",
    "volundr.api.lists": "test_api_sessions",
    "volundr.api.queries": "test_api_sessions",
    "volundr.api.reach": "test_api_sessions",
    "volundr.api.revisions": "test_api_sessions",
    "volundr.api.strict": "test_api_sessions",
    "volundr.broker.attachments": "test_control",
    "volundr.broker.broker": "test_broker",
    "volundr.broker.channels.websocket": "test_broker_cuts",
    "volundr.broker.code.proxy": "test_code",
    "volundr.broker.demo": "test_demo",
    "volundr.broker.demo.offers": "test_demo_control",
    "volundr.broker.demo.program": "test_demo",
    "volundr.broker.demo.tools": "test_demo",
    "volundr.broker.demo.wire": "test_demo",
    "volundr.broker.fork": "test_control",
    "volundr.broker.kept": "test_code",
    "volundr.broker.keeper": "test_keeper",
    "volundr.broker.problem": "test_control",
    "volundr.broker.routes.attachments": "test_control",
    "volundr.broker.routes.code": "test_code",
    "volundr.broker.routes.session": "test_broker",
    "volundr.broker.runner": "test_broker",
    "volundr.broker.shim": "test_shim",
    "volundr.broker.shim.child": "test_shim",
    "volundr.broker.shim.run": "test_shim",
    "volundr.broker.shim.server": "test_shim",
    "volundr.broker.transports.control": "test_transports",
    "volundr.broker.transports.links": "test_transports",
    "volundr.broker.transports.remote": "test_transports_remote",
    "volundr.broker.transports.stream_json_commands": "test_claude_control",
    "volundr.broker.transports.stream_json_offers": "test_claude_dialect",
    "volundr.broker.transports.tool_titles": "test_claude_dialect",
    "volundr.cli.chat": "test_cli_forge",
    "volundr.cli.db": "test_db_commands",
    "volundr.cli.serve": "test_serve",
    "volundr.cli.down": "test_cli_forge",
    "volundr.cli.inbox": "test_cli_forge",
    "volundr.cli.open": "test_cli_forge",
    "volundr.cli.ports": "test_cli_forge",
    "volundr.cli.prune": "test_cli_forge",
    "volundr.cli.roles": "test_cli_forge",
    "volundr.cli.status": "test_cli_forge",
    "volundr.cli.up": "test_cli_forge",
    "volundr.domain.sessions.contributors.workspace": "test_sessions_lifecycle",
    "volundr.local.logfile": "test_cli_forge",
    "volundr.local.machine": "e2e/test_demo_in_browser",
    "volundr.local.workers": "test_serve",
    "volundr.relay": "test_gateway_http",
    "volundr_acp.dialect": "test_acp_dialect",
}
"""Grows only when a module is best shown through another one; a module that a test imports has to leave."""


def modules() -> set[str]:
    found = set()
    for path in sources():
        if len(path.read_text().splitlines()) > 1:
            dotted = named(path).removeprefix("plugins/").removesuffix(".py").replace("/", ".")
            found.add(dotted.removesuffix(".__init__"))
    return found


def imported() -> set[str]:
    found: set[str] = set()
    for path in tracked("tests/*.py"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Import):
                found |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
    return found


def test_every_module_is_imported_by_a_test_or_listed() -> None:
    assert modules() - imported() - THROUGH.keys() == set()


def test_the_list_holds_nothing_that_need_not_stand_in_it() -> None:
    assert THROUGH.keys() - modules() == set(), "these modules are gone"
    assert THROUGH.keys() & imported() == set(), "tests import these by themselves"
    assert [test for test in THROUGH.values() if not (ROOT / "tests" / f"{test}.py").is_file()] == []
