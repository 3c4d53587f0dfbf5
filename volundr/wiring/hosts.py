"""Git hosts, pull requests, trackers, and the connections of people to them."""

from collections.abc import Mapping

from volundr.domain.credentials import owners_of
from volundr.domain.git import RepoService
from volundr.domain.integrations import Integration, IntegrationConnection, IntegrationRegistry, UserIntegrationService
from volundr.domain.pull_requests import GitWorkflowService
from volundr.domain.sessions.contributors.integrations import IntegrationContributor
from volundr.domain.sessions.remote_only import RemoteOnly
from volundr.domain.tracker import TrackerService
from volundr.local.plain_git import PlainGit, WorkspacePublisher
from volundr.store.chronicles import ChronicleStore
from volundr.store.integrations import IntegrationStore
from volundr.store.tracker import ProjectMappingStore
from volundr.wiring.credentials import credentials_of
from volundr.wiring.ground import Ground, Part


def part(ground: Ground) -> Part:
    registry = IntegrationRegistry(list(ground.adapters.all(Integration).values()))

    credentials = credentials_of(ground)

    async def secret_of(connection: IntegrationConnection) -> Mapping[str, str]:
        _, values = await credentials.values(owners_of(connection.owner_id, connection.tenant_id), connection.credential)
        return values

    always = (PlainGit(ground.git, local=not ground.server),)
    people = UserIntegrationService(registry, IntegrationStore(ground.db), secret_of, always)
    return Part(
        services={
            UserIntegrationService: people,
            RepoService: RepoService(people),
            GitWorkflowService: GitWorkflowService(people, WorkspacePublisher(ground.git), ChronicleStore(ground.db)),
            TrackerService: TrackerService(people, ProjectMappingStore(ground.db)),
        },
        contributors=(IntegrationContributor(people),),
        gates=(RemoteOnly(),) if ground.server else (),
    )
