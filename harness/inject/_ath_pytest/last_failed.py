"""Tells pytest's own `--lf` and `--ff` what failed, because the suite's copy has no cache."""

import pytest


class LastFailed:
    """Stands in for what pytest would have remembered in its cache."""

    def __init__(self, tests):
        self._tests = tests

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config):
        """After pytest's own plugin read the cache that is not there."""
        plugin = config.pluginmanager.getplugin("lfplugin")
        if plugin is not None and self._tests:
            plugin.lastfailed = dict.fromkeys(self._tests, True)
