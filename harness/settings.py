"""Every setting, with a default for a bare machine; the only reader of the environment."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self, get_type_hints

from harness.errors import InvalidInput

PREFIX = "ATH_"
_OF_INDEXES = (
    *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
    *("UV_INDEX_STRATEGY", "UV_INSECURE_HOST", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS"),
    *("UV_HTTP_TIMEOUT", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
)
_OF_PIP = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_TRUSTED_HOST": "UV_INSECURE_HOST",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """How one installation is set up; each field can be given as `ATH_<FIELD>`."""

    home: Path
    """Folder of everything that must survive: stores, keys, the installation's description."""
    scratch: Path
    """Folder of everything that may be lost; short, because Unix socket paths are limited."""
    records_url: str = ""
    """SQLAlchemy URL of the record store; empty means SQLite in `home`."""
    http_port: int = 0
    """Port of the API; 0 picks a free one at first start and keeps it."""
    workers: int = 0
    """Tests executed side by side on this machine; 0 means one per CPU."""
    replicas: int = 2
    """Processes that answer the API."""
    lease_seconds: float = 15.0
    """How long a host may be silent before its work is given to others."""
    test_seconds: float = 600.0
    """Deadline of one test, unless its run says otherwise."""
    run_seconds: float = 4 * 3600.0
    """Deadline of one run, unless it says otherwise."""
    active_runs: int = 1000
    """Runs that a tenant may have under way, unless an operator gave it another quota."""
    test_memory_mib: int = 4096
    """Memory that the processes of one run may use on one host."""
    git_protocols: str = "https,http,file"
    """How suites may be fetched; `https` alone where others than the machine's user submit runs."""
    suite_mib: int = 512
    """Largest suite archive."""
    artifact_mib: int = 100
    """Largest artifact."""
    run_artifact_mib: int = 1024
    """Artifacts of one run together; what does not fit is left out."""
    environments_mib: int = 10240
    """Disk for Python environments of suites and their downloads, on each node."""
    build_seconds: float = 1800.0
    """How long building one environment may take."""
    object_store_mib: int = 256
    """Ray's shared-memory store."""
    up_seconds: float = 180.0
    """How long a start may take."""
    ray_address: str = ""
    """Address of the Ray head, set by whoever starts it."""
    url: str = ""
    """API of a platform elsewhere; empty means the one on this machine."""
    token: str = ""
    """API key; empty means the one that `ath up` made."""
    project: str = "default"
    """Project that commands act on."""
    browser: str = ""
    """Path of the Chromium to use; empty means the one that was found at installation."""
    browsers: int = 0
    """Warm browsers at most; 0 means one per worker and one to spare, -1 that every worker
    launches its own."""
    browser_mib: int = 2048
    """Memory that one warm browser may use."""
    browser_disk_mib: int = 1024
    """Disk that one warm browser may use for its profile and downloads."""
    browser_idle_seconds: float = 300.0
    """How long a browser stays warm that nobody uses."""
    sandboxes: int = 64
    """Sandboxes of all tenants together on each node."""
    tenant_sandboxes: int = 32
    """Sandboxes that a tenant may have, unless an operator gave it another quota below this."""
    sandbox_spares: int = 2
    """Sandboxes that wait for each tenant that had one; 3 MiB each, or 40 in the
    gvisor tier."""
    runsc: str = "runsc"
    """Path of gVisor's program, or its name on the PATH, for the gvisor tier."""
    sandbox_mib: int = 2048
    """The most memory that one sandbox may ask for."""
    sandbox_disk_mib: int = 1024
    """The most disk that one sandbox may ask for, which is memory in the namespace tier."""
    sandbox_cpus: float = 2.0
    """The most CPUs that one sandbox may ask for."""
    sandbox_seconds: float = 24 * 3600.0
    """The longest life of a sandbox."""
    sandbox_command_seconds: float = 3600.0
    """The longest deadline of a command in a sandbox."""
    grpc_port: int = 0
    """Port of loopback where sandboxes are served by gRPC, too; 0 means not at all."""
    snapshots_mib: int = 4096
    """Disk for snapshots of sandboxes on each node; a quarter of it for one tenant."""

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The settings that the environment gives.

        Raises:
            InvalidInput: a value does not fit its setting.
        """
        env = os.environ if environ is None else environ
        home = Path(env.get("ATH_HOME") or _default_home(env)).expanduser().absolute()
        values: dict[str, object] = {"home": home, "scratch": _default_scratch(home)}
        types = get_type_hints(cls)
        for field in fields(cls):
            text = env.get(PREFIX + field.name.upper())
            if text and field.name != "home":
                values[field.name] = _parsed(field.name, text, types[field.name])
        return cls(**values)  # type: ignore[arg-type]  # each value was parsed as its field's type

    @property
    def records(self) -> str:
        """The record store's URL, whichever way it was given."""
        return self.records_url or f"sqlite:///{self.home / 'records.sqlite'}"

    def environ(self) -> dict[str, str]:
        """The variables from which another process loads the same settings."""
        return {PREFIX + f.name.upper(): str(getattr(self, f.name)) for f in fields(self)}


def index_environ(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Where uv gets packages from, as variables; pip's own are understood, too."""
    env = os.environ if environ is None else environ
    translated = {mine: env[its] for its, mine in _OF_PIP.items() if env.get(its)}
    return translated | {name: env[name] for name in _OF_INDEXES if env.get(name)}


def caller_environ() -> dict[str, str]:
    """The environment of the person at the command line."""
    return dict(os.environ)


def _parsed(name: str, text: str, kind: type) -> object:
    try:
        return kind(text)
    except ValueError as wrong:
        raise InvalidInput(
            f"The environment variable {PREFIX}{name.upper()} is {text!r}; "
            f"it must be a value of type {kind.__name__}."
        ) from wrong


def _default_home(env: Mapping[str, str]) -> Path:
    """Beside the virtual environment of a checkout, else in the user's state folder."""
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file() and os.access(checkout, os.W_OK):
        return checkout / ".ath"
    state = env.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "ath"


def _default_scratch(home: Path) -> Path:
    name = hashlib.sha256(f"{os.getuid() if sys.platform != 'win32' else ''}{home}".encode())
    return Path(tempfile.gettempdir()) / f"ath-{name.hexdigest()[:10]}"
