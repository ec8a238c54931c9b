"""Points pytest-playwright at the platform's browsers: a stand-in that leases a warm one."""

import glob
import json
import os
import shlex
import shutil
import sys
import tempfile
import types

import pytest

_EXECUTABLES = ("chrome-headless-shell", "headless_shell", "chrome")


class Browsers:
    """Stands before pytest-playwright's own fixture; a conftest of the suite still wins."""

    def __init__(self, choice, proxy=None):
        self._choice = choice
        self._proxy = proxy
        self.worker = ""
        """Set when this process begins to run tests."""
        self._folders = []

    def module(self):
        """A module-like plugin that holds the fixture."""

        @pytest.fixture(scope="session")
        def browser_type_launch_args(browser_type_launch_args, request):
            # Named as an argument it would parametrize tests that plain pytest does not.
            name = request.getfixturevalue("browser_name")
            yield self.launch_args(browser_type_launch_args, name)
            self.clear()

        module = types.ModuleType("_ath_browser")
        setattr(module, "browser_type_launch_args", browser_type_launch_args)  # noqa: B010
        return module

    def launch_args(self, plain, browser_name):
        """What pytest-playwright would launch with, except for where Chromium is."""
        arguments = dict(plain)
        if self._proxy:
            # The whole browser, so that a context which names no proxy has this one too.
            arguments["proxy"] = {"server": self._proxy}
        if not self._choice:
            return arguments
        if browser_name != "chromium" or {"channel", "executable_path"} & set(arguments):
            return arguments
        headed = arguments.get("headless") is False
        own = None if self._choice["named"] else own_browser(headed, os.environ)
        path = own or self._choice["headed" if headed else "path"]
        if not path:
            return arguments
        if not own and os.getuid() == 0:
            arguments.setdefault("args", ["--no-sandbox"])
        leased = None if headed or not self._choice["pool"] else self._stand_in(path)
        if leased or not own:
            arguments["executable_path"] = leased or path
        return arguments

    def clear(self):
        """Remove the stand-ins; no browser is launched any more."""
        while self._folders:
            shutil.rmtree(self._folders.pop(), ignore_errors=True)

    def _stand_in(self, real):
        """A program that takes the place of Chromium; None where programs cannot be made."""
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stand_in.py")
        words = [sys.executable, "-I", "-S", program, self._choice["door"], self.worker, real]
        folder = tempfile.mkdtemp(prefix="ath-browser-")
        self._folders.append(folder)
        path = os.path.join(folder, os.path.basename(real))
        with open(path, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\nexec %s "$@"\n' % " ".join(map(shlex.quote, words)))
        os.chmod(path, 0o700)
        return path if os.access(path, os.X_OK) else None


def own_browser(headed, environ):
    """Playwright's own Chromium of the right version, if it is installed for this suite."""
    package = os.path.join(
        os.path.dirname(sys.modules["playwright"].__file__ or ""), "driver/package"
    )
    try:
        with open(os.path.join(package, "browsers.json"), encoding="utf-8") as file:
            known = {entry["name"]: entry for entry in json.load(file)["browsers"]}
        # Older ones have no shell of its own and start Chromium either way.
        shell = "chromium-headless-shell"
        entry = known["chromium" if headed or shell not in known else shell]
        name = "%s-%s" % (entry["name"].replace("-", "_"), entry["revision"])
    except (OSError, ValueError, KeyError):
        return None
    folder = os.path.join(_registry(package, environ), name)
    if not os.path.exists(os.path.join(folder, "INSTALLATION_COMPLETE")):
        return None
    found = [path for name in _EXECUTABLES for path in glob.glob(os.path.join(folder, "*", name))]
    return found[0] if found else None


def _registry(package, environ):
    """Where Playwright keeps its browsers."""
    named = environ.get("PLAYWRIGHT_BROWSERS_PATH")
    if named == "0":
        return os.path.join(package, ".local-browsers")
    if named:
        return os.path.abspath(named)
    cache = environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "ms-playwright")
