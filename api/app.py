"""The application: REST, docs and pages on one set of services."""

from fastapi import FastAPI

from api.rest import (
    artifacts,
    docs,
    events,
    health,
    imports,
    model_servers,
    policies,
    problem,
    quarantines,
    quotas,
    results,
    runs,
    sandbox_commands,
    sandbox_files,
    sandbox_ports,
    sandboxes,
    schema,
    secrets,
    sources,
    suites,
)
from api.rest.access import Access
from api.rest.follow import Followers
from api.rest.guard import Guard
from api.services import Services
from api.ui import login, pages, static, trace


def create_app(services: Services) -> FastAPI:
    """An ASGI application that serves these services; it starts nothing and holds no globals."""
    app = FastAPI(
        title="AI test harness",
        version="1",
        description="Submit test runs, follow them, read what came of them.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    app.state.access = Access(services)
    app.state.followers = Followers(services.settings.max_followers)
    app.state.transfers = sandbox_files.Transfers()
    problem.install(app, services.entropy)
    for noun in (
        runs,
        imports,
        results,
        events,
        artifacts,
        suites,
        sources,
        secrets,
        quotas,
        quarantines,
        policies,
        model_servers,
        sandboxes,
        sandbox_commands,
        sandbox_files,
        sandbox_ports,
    ):
        app.include_router(noun.router)
    for rest in (health, docs):
        app.include_router(rest.router)
    for page in (login, pages, static, trace):
        app.include_router(page.router)
    schema.install(app)
    app.add_middleware(Guard, settings=services.settings, entropy=services.entropy)
    return app
