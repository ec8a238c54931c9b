"""The composition root: which adapter stands behind each port, for one installation."""

import socket
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI

from actors.broker.door import BrokerDoorway
from actors.broker.policy_document import policy_of_text
from actors.environments.build import BuildLimits
from actors.environments.cache import EnvironmentCache
from actors.pools.browser import BrowserBounds
from actors.pools.handle import BrowserHostHandle
from actors.pools.host import BrowserHost
from actors.pools.roster import PoolLimits
from actors.sandbox.handle import SandboxHostHandle
from actors.sandbox.host import SandboxHost
from actors.sandbox.snapshots import Snapshots
from actors.sandbox.warm import WarmLimits
from actors.sandbox.write_roots import everything_but
from actors.scheduler.handle import SchedulerHandle
from actors.scheduler.knowledge import ScheduledKnowledge
from actors.scheduler.service import Scheduler
from actors.sources.git import FetchLimits, GitFetcher
from actors.workers.agent_browsers import AgentBrowsers
from actors.workers.host import WorkerHost
from actors.workers.limits import HostLimits
from api.app import create_app
from api.auth.keys import hash_key
from api.rest.docs import docs_assets
from api.services import ApiSettings, Services
from api.ui.trace import trace_viewer
from harness.bus.segment_log import SegmentLog
from harness.domain.ids import HostId
from harness.domain.junit import junit_xml
from harness.domain.principal import Principal, Role
from harness.domain.quota import QuotaName
from harness.domain.sandbox_bounds import MOST, SandboxBounds
from harness.domain.scope import DEFAULT_SCOPE
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy
from harness.services.agent_grants import AgentGrants
from harness.services.analytics import Analytics
from harness.services.failure_knowledge import FailureMemory
from harness.services.imports import Imports
from harness.services.model_servers import ModelServers
from harness.services.policies import Policies
from harness.services.quarantines import Quarantines
from harness.services.quotas import Quotas
from harness.services.relay import AnalyticsFeed, Relay
from harness.services.runs import Runs
from harness.services.sandbox_doors import SandboxDoors
from harness.services.sandboxes import Sandboxes
from harness.services.scheduling import Scheduling
from harness.services.scheduling_limits import SchedulingLimits
from harness.services.secrets import Secrets
from harness.services.sources import Sources
from harness.settings import Settings, index_environ
from harness.stores.file_artifacts import FileArtifacts
from harness.stores.sql.records import SqlRecords
from serve.browser import browser
from serve.environments import environments
from serve.first_policy import TEXT as FIRST_POLICY

if TYPE_CHECKING:
    from api.grpc.gateway import Gateway

MIB = 1024 * 1024


def prepare(settings: Settings) -> None:
    """Bring the stores to this version, let the installation's own key in, bound its tenant."""
    store = records(settings)
    store.migrate()
    token = (settings.home / "token").read_text()
    owner = Principal("owner", DEFAULT_SCOPE.tenant, Role.OPERATOR)
    store.add_key(hash_key(_secret(settings), token), owner)
    Policies(store, policy_of_text).seed(owner.tenant, FIRST_POLICY, owner)
    store.close()


def records(settings: Settings) -> SqlRecords:
    """The record store."""
    return SqlRecords(settings.records, SystemEntropy())


def artifacts(settings: Settings) -> FileArtifacts:
    """The artifact store."""
    return FileArtifacts(settings.home / "artifacts")


def secrets(settings: Settings, store: SqlRecords) -> Secrets:
    """The secrets of every project."""
    return Secrets(store, store.secrets(_secret(settings)))


def git(settings: Settings, files: FileArtifacts) -> GitFetcher:
    """What fetches suites from repositories."""
    network = index_environ()
    certificates = network.get("SSL_CERT_FILE")
    return GitFetcher(
        artifacts=files,
        scratch=settings.scratch / "sources",
        protocols=[word.strip() for word in settings.git_protocols.split(",") if word.strip()],
        network={name: value for name, value in network.items() if not name.startswith("UV_")}
        | ({"GIT_SSL_CAINFO": certificates} if certificates else {}),
        limits=FetchLimits(archive_bytes=settings.suite_mib * MIB),
    )


def scheduler(settings: Settings) -> Scheduler:
    """The scheduler with its chores."""
    store, entropy = records(settings), SystemEntropy()
    bus = SegmentLog(settings.home / "bus", SystemClock())
    limits = SchedulingLimits(
        lease_seconds=settings.lease_seconds,
        test_seconds=settings.test_seconds,
        run_seconds=settings.run_seconds,
    )
    vault = secrets(settings, store)
    return Scheduler(
        Scheduling(store, entropy, limits),
        vault,
        AgentGrants(store, vault.store),
        FailureMemory(store, SystemClock()).of,
        [Relay(store, bus), AnalyticsFeed(bus, Analytics(store, entropy))],
    )


def worker_host(settings: Settings, workers: int) -> WorkerHost:
    """The host that executes on this machine."""
    limits = HostLimits(
        workers=workers,
        renew_seconds=settings.lease_seconds / 3,
        memory_bytes=settings.test_memory_mib * MIB,
        artifact_bytes=settings.artifact_mib * MIB,
        run_artifact_bytes=settings.run_artifact_mib * MIB,
        write_roots=everything_but(settings.home),
        sandboxes=_sandbox_bounds(settings),
    )
    return WorkerHost(
        host=HostId(socket.gethostname()),
        dispatch=SchedulerHandle(),
        artifacts=artifacts(settings),
        scratch=settings.scratch / "runs",
        browser=browser(settings),
        pool=BrowserHostHandle(),
        sandboxes=SandboxHostHandle(partial(sandbox_host, settings)),
        environments=EnvironmentCache(
            environments(settings),
            index_environ(),
            BuildLimits(
                seconds=settings.build_seconds,
                memory_bytes=settings.test_memory_mib * MIB,
                disk_bytes=settings.environments_mib * MIB,
            ),
            protected=settings.home,
        ),
        limits=limits,
    )


def browser_host(settings: Settings, workers: int) -> BrowserHost:
    """The warm browsers of this machine."""
    limits = PoolLimits(
        most=max(1, settings.browsers or workers + 1),
        idle_seconds=settings.browser_idle_seconds,
    )
    bounds = BrowserBounds(
        memory_bytes=settings.browser_mib * MIB,
        disk_bytes=settings.browser_disk_mib * MIB,
        write_roots=everything_but(settings.home),
    )
    return BrowserHost(limits, bounds, settings.scratch / "browsers", SystemEntropy())


def sandbox_host(settings: Settings) -> SandboxHost:
    """The sandboxes of this machine; nothing is started before somebody asks for one."""
    snapshots = settings.snapshots_mib * MIB
    return SandboxHost(
        SystemEntropy(),
        settings.scratch / "sandboxes",
        Snapshots(settings.scratch / "snapshots", snapshots, snapshots // 4),
        BrokerDoorway(
            SystemClock(),
            SystemEntropy(),
            _agent_browsers(settings),
            lambda scope: ScheduledKnowledge(SchedulerHandle(), scope),
        ),
        most_sandboxes=settings.sandboxes,
        most_per_tenant=settings.tenant_sandboxes,
        warm=WarmLimits(spares=settings.sandbox_spares),
        runsc=settings.runsc,
    )


def _agent_browsers(settings: Settings) -> AgentBrowsers | None:
    """The pool of this machine, for agents; none where tests have none."""
    choice = browser(settings)
    if choice is None or not choice.pool:
        return None
    return AgentBrowsers(BrowserHostHandle(), choice.path, settings.scratch / "agents")


def sandboxes(settings: Settings, store: SqlRecords, quotas: Quotas) -> Sandboxes:
    """What tenants may ask for; the host's process is begun with the first sandbox."""
    node = SandboxHostHandle(partial(sandbox_host, settings))
    doors = SandboxDoors(AgentGrants(store, secrets(settings, store).store), policy_of_text)
    return Sandboxes(node, quotas, doors, _sandbox_bounds(settings))


def _sandbox_bounds(settings: Settings) -> SandboxBounds:
    disk = settings.sandbox_disk_mib * MIB
    limits = replace(
        MOST,
        memory_bytes=settings.sandbox_mib * MIB,
        cpus=settings.sandbox_cpus,
        disk_bytes=disk,
        file_bytes=disk,
    )
    return SandboxBounds(limits, settings.sandbox_seconds, settings.sandbox_command_seconds)


def grpc_gateway(settings: Settings) -> "Gateway":
    """The same sandboxes by gRPC, for clients with a certificate of the installation."""
    # Every process of the platform loads this module, and only one needs these.
    from api.grpc.gateway import Gateway
    from api.grpc.sandboxes import SandboxesService
    from serve.authority import authority

    store = records(settings)
    service = SandboxesService(sandboxes(settings, store, Quotas(store)))
    return Gateway(service, authority(settings), SystemEntropy(), settings.grpc_port)


def application(settings: Settings) -> FastAPI:
    """The control plane: REST, documentation and pages."""
    store, files = records(settings), artifacts(settings)
    clock, entropy = SystemClock(), SystemEntropy()
    vault = secrets(settings, store)
    quotas = Quotas(store, {QuotaName.ACTIVE_RUNS: settings.active_runs})
    scheduler = SchedulerHandle()
    services = Services(
        runs=Runs(store, files, entropy, scheduler, quotas, vault),
        secrets=vault,
        sources=Sources(git(settings, files), vault.store),
        quotas=quotas,
        quarantines=Quarantines(store),
        policies=Policies(store, policy_of_text),
        model_servers=ModelServers(store),
        sandboxes=sandboxes(settings, store, quotas),
        imports=Imports(store, files, entropy, scheduler),
        records=store,
        artifacts=files,
        clock=clock,
        entropy=entropy,
        secret=_secret(settings),
        junit=junit_xml,
        trace_viewer=trace_viewer(),
        docs_assets=docs_assets(),
        settings=ApiSettings(
            max_suite_bytes=settings.suite_mib * MIB,
            inline_reads=settings.records.startswith("sqlite"),
        ),
    )
    return create_app(services)


def _secret(settings: Settings) -> bytes:
    return (settings.home / "secret").read_bytes()
