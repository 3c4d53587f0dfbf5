"""How the code is cut."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rules.tree import ROOT, named, parsed, sources, tracked

LONGEST_FILE, LONGEST_FUNCTION, MOST_ARGUMENTS = 400, 40, 6
NO_NAMES = {"utils", "util", "helpers", "helper", "misc", "base", "common"}
ENVIRONMENT = {"volundr/settings.py", "volundr/local/git.py"}
"""git inherits the environment of whoever starts it, unless it is given one."""


def functions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in sources():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def test_no_file_is_longer_than_400_lines() -> None:
    files = [*sources(), *tracked("tests/*.py", "webui/src/*.ts", "webui/src/*.tsx", "webui/src/*.css", "build.py")]
    generated = {"webui/src/api/schema.d.ts"}
    long = {named(p): n for p in files if named(p) not in generated and (n := len(p.read_text().splitlines())) > LONGEST_FILE}
    assert long == {}


def test_no_function_is_longer_than_40_lines() -> None:
    long = {
        f"{named(path)}:{node.name}": n
        for path, node in functions()
        if (n := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == {}


def test_no_function_takes_more_than_six_arguments() -> None:
    """FastAPI's routes declare their request as arguments; dependencies do not count there."""
    many = {}
    for path, node in functions():
        arguments = [a for a in [*node.args.args, *node.args.kwonlyargs] if a.arg not in {"self", "cls"}]
        if len(arguments) > MOST_ARGUMENTS:
            many[f"{named(path)}:{node.name}"] = len(arguments)
    assert many == {}


def test_names_say_what_is_inside() -> None:
    assert [named(p) for p in [*sources(), *tracked("webui/src/*.ts", "webui/src/*.tsx")] if p.stem in NO_NAMES] == []


def test_only_the_settings_read_the_environment() -> None:
    readers = {named(path) for path in sources() if re.search(r"os\.(environ|getenv)", path.read_text())}
    assert readers - ENVIRONMENT == set()


def test_no_error_is_swallowed() -> None:
    broad = {"Exception", "BaseException"}
    silent = [
        f"{named(path)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in broad)
        and all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)
    ]
    assert silent == []


def test_every_task_has_an_owner() -> None:
    """A task that nobody keeps may vanish in the middle: tasks come from a TaskGroup or from volundr.process.Tasks."""
    bare = [
        f"{named(path)}:{node.lineno}"
        for path in sources()
        if named(path) != "volundr/process.py"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and (call := ast.unparse(node.func)).endswith(("create_task", "ensure_future"))
        and (call.startswith("asyncio.") or "loop" in call)
    ]
    assert bare == []


def test_nothing_is_unfinished() -> None:
    mark = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    code = [p for p in [*sources(), *tracked("webui/src/*.ts", "webui/src/*.tsx")] if "test" not in named(p)]
    assert [named(p) for p in code if mark.search(p.read_text())] == []


def test_every_module_and_public_class_says_what_it_is() -> None:
    bare = [named(path) for path in sources() if path.stat().st_size and not ast.get_docstring(parsed(path))]
    assert bare == []


def test_abilities_are_not_probed() -> None:
    probes = [named(path) for path in sources() if re.search(r"\bhasattr\(", path.read_text())]
    assert probes == []


@pytest.mark.parametrize(
    "pattern", [r"\"resolved\": *\"http", r"registry\.npmjs", r"pypi\.org/simple", r"index-url", r"files\.pythonhosted"]
)
def test_no_file_names_a_package_registry(pattern: str) -> None:
    """Lock files carry hashes and no addresses; where packages come from is the machine's business."""
    own = ROOT / "tests/rules/test_code.py"
    names = [
        p
        for p in tracked()
        if (p != own and p.suffix in {".json", ".txt", ".toml", ".lock", ".yml", ".md", ".npmrc", ".cfg"}) or p.name == ".npmrc"
    ]
    found = [named(p) for p in names if re.search(pattern, p.read_text("utf-8", "replace")) and named(p) != "build.py"]
    assert found == []
