"""Finds everything that offers an adapter: built-ins, bundled plugins, installed packages, the person's own files.

What is loaded here imports nothing heavy; that belongs into the factories that are offered.
"""

import importlib.util
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pluggy

from volundr import hooks
from volundr.domain.errors import Invalid
from volundr.registry import Adapters

log = logging.getLogger(__name__)


def built_in() -> Sequence[ModuleType]:
    """Real imports, never names: a compiled executable cannot follow a string."""
    import volundr_acp
    import volundr_claude
    import volundr_codex
    import volundr_otel
    import volundr_rabbitmq
    import volundr_telegram

    from volundr.broker.demo import plugin as demo
    from volundr.local import ai_providers

    return (demo, ai_providers, volundr_acp, volundr_claude, volundr_codex, volundr_otel, volundr_rabbitmq, volundr_telegram)


def load(home: Path, *, outside: bool = True) -> Adapters:
    """All adapters there are. `outside`: also installed packages and `<home>/plugins/*.py`. Raises Invalid for a broken file."""
    manager = pluggy.PluginManager("volundr")
    manager.add_hookspecs(hooks)
    for module in built_in():
        manager.register(module)
    if outside:
        if "__compiled__" not in globals():
            manager.load_setuptools_entrypoints("volundr")
        for path in sorted((home / "plugins").glob("*.py")):
            _register(manager, path)
    manager.check_pending()
    adapters = Adapters(home)
    manager.hook.volundr_adapters(adapters=adapters)
    return adapters


def _register(manager: pluggy.PluginManager, path: Path) -> None:
    try:
        manager.register(_module(path), str(path))
    except pluggy.PluginValidationError as error:
        raise Invalid(f"The plugin {path} does not fit: {error}", hint="Mend the file or move it away.") from error
    log.info("plugin loaded", extra={"path": str(path)})


def _module(path: Path) -> ModuleType:
    name = f"volundr_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None  # a .py file always has one
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise Invalid(f"The plugin {path} cannot be loaded: {error!r}.", hint="Mend the file or move it away.") from error
    return module
