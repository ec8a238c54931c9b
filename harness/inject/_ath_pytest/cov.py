"""pytest-cov over forked workers: each saves what it measured, the collecting process joins it."""

import json
import os

TEXT = 256 * 1024
DEFAULTS = {
    "xml": "xml_output",
    "json": "json_output",
    "lcov": "lcov_output",
    "html": "html_dir",
}
PLAIN = ("annotate", "markdown", "markdown-append")


def measuring(config):
    """The plugin of pytest-cov, if it measures."""
    plugin = config.pluginmanager.getplugin("_cov")
    return plugin if getattr(plugin, "cov_controller", None) is not None else None


def measure_in_fork(plugin):
    """Save at the end what this process measured; joining and reporting is the other's work."""
    controller = plugin.cov_controller

    def finish():
        controller.started = False
        controller.cov.stop()
        controller.cov.save()

    controller.finish = finish
    plugin.options.cov_report = {}
    plugin.options.cov_fail_under = None


def tell(plugin, path):
    """Write down for the host what came of it, after pytest-cov reported."""
    if plugin.cov_total is None:
        return
    wanted = plugin.options.cov_report
    named = wanted if isinstance(wanted, dict) else dict.fromkeys(wanted)
    settings = plugin.cov_controller.cov.config
    files = [named[kind] or getattr(settings, DEFAULTS[kind]) for kind in named if kind in DEFAULTS]
    files += [named[kind] for kind in named if kind in PLAIN and named[kind]]
    found = {
        "total": float(plugin.cov_total),
        "fail_under": plugin.options.cov_fail_under,
        "text": plugin.cov_report.getvalue()[:TEXT],
        "files": [os.path.abspath(os.fspath(file)) for file in files],
    }
    with open(path, "w") as file:
        json.dump(found, file)
