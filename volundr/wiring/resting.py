"""What becomes of sessions that rest: their workspaces, conversations and chronicles, and how long they are kept."""

import asyncio
import logging
from pathlib import Path

from volundr.domain.errors import Unavailable
from volundr.domain.retention import ChronicleRetention, Retention, Retentions, WorkspaceRetention
from volundr.domain.storage import StorageQuota, WorkspaceService
from volundr.domain.tenants import DEFAULT
from volundr.local import runfile
from volundr.local.retention import LocalRetention
from volundr.local.storage import LocalStorage
from volundr.store.chronicles import ChronicleStore
from volundr.store.tenants import TenantStore
from volundr.store.workspaces import WorkspaceStore
from volundr.wiring.ground import Ground, Part

log = logging.getLogger(__name__)

FIRST_SECONDS, MEASURE_SECONDS = 30.0, 300.0
"""Before workspaces are measured first (a start has other things to do), and then again."""


def part(ground: Ground) -> Part:
    settings, kept = ground.settings.retention, WorkspaceStore(ground.db)
    here = runfile.place(ground.settings.home)  # each server has folders of its own
    own_home = ground.settings.environment.get("HOME", str(Path.home()))
    storage = LocalStorage(ground.workspaces, own_home)
    orphans_are = (DEFAULT, "nobody" if ground.server else "local")
    workspaces = WorkspaceService(storage, kept, ground.sessions, orphans_are)
    retention = Retentions(
        (
            LocalRetention(ground.sessions, ground.settings.home, settings),
            ChronicleRetention(ChronicleStore(ground.db), settings.chronicles_days),
            WorkspaceRetention(workspaces, settings.workspaces_days),
        )
    )

    async def measure() -> None:
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            try:
                await workspaces.look()
            except (Unavailable, TimeoutError, OSError) as error:
                log.warning("workspaces not measured", extra={"cause": str(error)})
            await asyncio.sleep(MEASURE_SECONDS)

    return Part(
        services={Retention: retention, WorkspaceService: workspaces},
        gates=(StorageQuota(TenantStore(ground.db), kept),),
        duties={f"retention at {here}": retention.run, f"sizes of workspaces at {here}": measure},
    )
