"""The shim: a small, rarely changed process that owns the agent CLIs, so that Skuld may restart or be upgraded under them."""

import asyncio
import gc
from pathlib import Path


def run_shim(socket: Path) -> None:
    """`volundr shim`: own the agents of this home until told to end. `socket` is where it listens (0600).

    Must be called in the main thread of a process without other threads.
    """
    from volundr.broker.shim.server import serve

    gc.collect()
    gc.freeze()  # what is here now stays shared with the keepers that are forked
    asyncio.run(serve(socket))
