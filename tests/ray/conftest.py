"""One small Ray cluster for all tests of the session that ask for it."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def ray_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """This process is its driver; its token is its own."""
    folder = tmp_path_factory.mktemp("ray")
    token = folder / "token"
    token.write_text("0123456789abcdef" * 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "RAY_AUTH_MODE", "token")
        patch.setitem(os.environ, "RAY_AUTH_TOKEN_PATH", str(token))
        patch.setitem(os.environ, "RAY_USAGE_STATS_ENABLED", "0")
        import ray

        ray.init(
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=100 << 20,
            log_to_driver=False,
            configure_logging=False,
        )
        yield
        ray.shutdown()
