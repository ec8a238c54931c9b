"""Points pytest-playwright at the browser that the platform has."""

import os
import types

import pytest


class LaunchArgs:
    """Stands for pytest-playwright's own `browser_type_launch_args`; a conftest still wins."""

    def __init__(self, path):
        self._path = path

    def module(self):
        """A module-like plugin that holds the fixture."""
        path = self._path

        @pytest.fixture(scope="session")
        def browser_type_launch_args(pytestconfig):
            arguments = {"executable_path": path}
            if os.getuid() == 0:
                arguments["args"] = ["--no-sandbox"]
            if pytestconfig.getoption("--headed", False):
                arguments["headless"] = False
            slow = pytestconfig.getoption("--slowmo", 0)
            if slow:
                arguments["slow_mo"] = slow
            if pytestconfig.getoption("--browser-channel", None):
                arguments["channel"] = pytestconfig.getoption("--browser-channel")
                del arguments["executable_path"]
            return arguments

        module = types.ModuleType("_ath_browser")
        setattr(module, "browser_type_launch_args", browser_type_launch_args)  # noqa: B010
        return module
