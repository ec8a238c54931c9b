"""Entry point, run by path: becomes what the shell would have run, steered over one socket."""

import gc
import os
import sys

FD = "ATH_FD"
_WAIT = "--wait"


def main():
    """Run pytest as the `start` message says; never returns."""
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[0] = own
    from _ath_pytest.wire import Wire  # type: ignore[import-not-found]  # found by path

    del sys.path[0]
    wire = Wire.adopt(int(os.environ.pop(FD)))
    if _WAIT in sys.argv:
        wire.send(_loaded())
    start = wire.receive()
    if start is None:
        return
    os.chdir(start["cwd"])
    os.environ["PWD"] = start["cwd"]
    argv = _become(start["argv"])

    # Only now, because `python -m pytest` looks for pytest in its own folder first.
    import pytest

    sys.path.insert(0, own)
    from _ath_pytest.last_failed import LastFailed  # type: ignore[import-not-found]  # likewise
    from _ath_pytest.steer import Steered  # type: ignore[import-not-found]  # likewise

    del sys.path[0]
    browser, proxy = start.get("browser"), start.get("proxy")
    steered = Steered(wire, browser, start.get("coverage"), proxy, start.get("door"))
    plugins = [steered, LastFailed(start.get("last_failed", ()))]
    code = pytest.main(argv, plugins=plugins)
    steered.wire.send({"ev": "exited", "status": int(code), "why": steered.trouble})
    sys.stdout.flush()
    sys.stderr.flush()
    if steered.is_fork:
        # Exit handlers of the collecting process would remove what its other forks still use.
        os._exit(int(code))
    # Looking through all of the suite's objects once more would take longer than all of the rest.
    gc.freeze()
    sys.exit(int(code))


def _loaded():
    """Load pytest for whichever suite comes; tells what would have to be the same for it."""
    from importlib.util import find_spec

    found = find_spec("pytest")
    packages = os.path.dirname(os.path.dirname(str(found and found.origin)))
    changed = os.stat(packages).st_mtime_ns
    import pytest  # noqa: F401  # that it is loaded is the point

    loaded = sorted({name.partition(".")[0] for name in sys.modules})
    return {"ev": "ready", "packages": packages, "changed_ns": changed, "loaded": loaded}


def _become(argv):
    """Set sys.path[0] and sys.argv as the shell's command would; gives pytest's arguments."""
    words = list(argv)
    if os.path.basename(words[0]).startswith("python"):
        if words[1:3] != ["-m", "pytest"]:
            raise SystemExit("only `pytest …` and `python -m pytest …` can be run")
        sys.path.insert(0, os.getcwd())
        import pytest

        sys.argv = [os.path.join(os.path.dirname(pytest.__file__), "__main__.py"), *words[3:]]
        return words[3:]
    scripts = os.path.dirname(sys.executable)
    sys.path.insert(0, scripts)
    sys.argv = [os.path.join(scripts, "pytest"), *words[1:]]
    return words[1:]


if __name__ == "__main__":
    main()
