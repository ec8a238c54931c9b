"""Points pytest-playwright at the platform's browsers: warm ones where that changes nothing."""

import json
import os
import sys
import threading
import types

import pytest

_EXACT = {
    "PATH",
    "HOME",
    "TZ",
    "LANG",
    "LANGUAGE",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "DEBUG",
}
_BEGINNINGS = (
    *("LC_", "LD_", "XDG_", "PLAYWRIGHT_", "PW_", "NODE_", "FONTCONFIG_", "CHROME_", "SSL_"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
)
_ADMIN_ARGS = ["--no-sandbox"]


class Browsers:
    """Stands before pytest-playwright's own fixtures; a conftest of the suite still wins."""

    def __init__(self, choice, steered):
        self._choice = choice
        self._steered = steered
        self._default = None
        self._warm = None
        self._launch_args = None

    def module(self):
        """A module-like plugin that holds the fixtures."""

        @pytest.fixture(scope="session")
        def browser_type_launch_args(browser_type_launch_args, browser_name):
            return self.launch_args(browser_type_launch_args, browser_name)

        @pytest.fixture(scope="session")
        def launch_browser(launch_browser, browser_type, browser_type_launch_args, request):
            def launch(**options):
                wanted = dict(browser_type_launch_args, **options)
                if self._may_be_warm(browser_type, wanted, request):
                    warm = self._connect(browser_type, wanted)
                    if warm is not None:
                        return warm
                return launch_browser(**options)

            return launch

        # pytest 8 and newer hand out an object that wraps the function.
        function = getattr(browser_type_launch_args, "_get_wrapped_function", None)
        self._launch_args = function() if function else browser_type_launch_args
        module = types.ModuleType("_ath_browser")
        setattr(module, "browser_type_launch_args", browser_type_launch_args)  # noqa: B010
        setattr(module, "launch_browser", launch_browser)  # noqa: B010
        return module

    def launch_args(self, plain, browser_name):
        """What pytest-playwright would launch with, and the platform's path where that fails."""
        arguments = dict(plain)
        if browser_name == "chromium" and not {"channel", "executable_path"} & set(arguments):
            headed = arguments.get("headless") is False
            path = self._choice["headed"] if headed else self._choice["path"]
            if path and (self._choice["named"] or not has_own(headed, os.environ)):
                arguments["executable_path"] = path
                if os.getuid() == 0:
                    arguments.setdefault("args", _ADMIN_ARGS)
        if not plain:
            self._default = dict(arguments)
        return arguments

    def _may_be_warm(self, browser_type, wanted, request):
        """Only what the suite left as it is, only for the first browser of a worker."""
        if not self._choice["pool"] or browser_type.name != "chromium" or wanted != self._default:
            return False
        if threading.current_thread() is not threading.main_thread():
            return False
        if self._warm is not None and self._warm.is_connected():
            return False
        try:
            return not request.getfixturevalue("connect_options")
        except pytest.FixtureLookupError:
            return True

    def _connect(self, browser_type, wanted):
        reply = self._steered.wire.ask(dict(self.wish(wanted), ev="browser"), "browser")
        if not reply or not reply["endpoint"]:
            return None
        try:
            browser = browser_type.connect(reply["endpoint"])
        except Exception:  # whatever it is, a browser of the worker's own does instead
            return None
        connection = getattr(getattr(browser, "_impl_obj", None), "_connection", None)
        if connection is None or not hasattr(connection, "_is_remote"):
            browser.close()  # another Playwright keeps this elsewhere
            return None
        # Both share one file system, so paths mean the same at either end, as when launched.
        connection._is_remote = False
        self._warm = browser
        return browser

    def expected(self, session):
        """What the first browser of each worker will be, or None where that is not plain."""
        tests = sum("browser" in getattr(item, "fixturenames", ()) for item in session.items)
        option = session.config.getoption
        plain = not (option("--headed", False) or option("--browser-channel", None))
        plain = (
            plain and not option("--slowmo", 0) and option("--browser", []) in ([], ["chromium"])
        )
        definitions = getattr(session._fixturemanager, "_arg2fixturedefs", {})
        last = (definitions.get("browser_type_launch_args") or [None])[-1]
        if not tests or not plain or getattr(last, "func", None) is not self._launch_args:
            return None
        return dict(self.wish(self.launch_args({}, "chromium")), tests=tests)

    @staticmethod
    def wish(arguments):
        """The browser that these launch arguments describe, as the host is asked for it."""
        node, package = driver(os.environ)
        names = {"executable_path": "executablePath"}
        options = {names.get(name, name): value for name, value in arguments.items()}
        return {
            "node": node,
            "package": package,
            "options": json.dumps(options, sort_keys=True),
            "env": sorted((k, v) for k, v in os.environ.items() if _concerns_browsers(k)),
            "cwd": os.getcwd(),
        }


def driver(environ):
    """Node and the folder of playwright-core, as pytest-playwright has imported them."""
    folder = os.path.join(os.path.dirname(sys.modules["playwright"].__file__), "driver")
    node = environ.get("PLAYWRIGHT_NODEJS_PATH") or os.path.join(folder, "node")
    return node, os.path.join(folder, "package")


def has_own(headed, environ):
    """Whether Playwright's own Chromium of the right version is installed for this suite."""
    package = driver(environ)[1]
    try:
        with open(os.path.join(package, "browsers.json"), encoding="utf-8") as file:
            known = {entry["name"]: entry for entry in json.load(file)["browsers"]}
    except (OSError, ValueError, KeyError):
        return False
    # Older ones have no shell of its own and start Chromium either way.
    shell = "chromium-headless-shell"
    entry = known["chromium" if headed or shell not in known else shell]
    folder = "%s-%s" % (entry["name"].replace("-", "_"), entry["revision"])
    return os.path.exists(
        os.path.join(_registry(package, environ), folder, "INSTALLATION_COMPLETE")
    )


def _registry(package, environ):
    """Where Playwright keeps its browsers."""
    named = environ.get("PLAYWRIGHT_BROWSERS_PATH")
    if named == "0":
        return os.path.join(package, ".local-browsers")
    if named:
        return os.path.abspath(named)
    cache = environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "ms-playwright")


def _concerns_browsers(name):
    return name in _EXACT or name.upper().startswith(_BEGINNINGS)
