"""The pytest plugin: lets pytest collect, then takes over the run loop."""

import gc
import os
import select
from collections import deque

import pytest

from . import PROTOCOL
from .browser import Browsers
from .cov import measure_in_fork, measuring, tell
from .outcome import Outcome, broken_file, step_told
from .wire import Wire

_REAP_SECONDS = 0.2


class Steered:
    """Collects once; then forks workers, or becomes one, as the host says."""

    def __init__(self, wire, browser, coverage, proxy=None, door=None):
        self.wire = wire
        self._coverage = coverage
        self._door = door
        self.is_fork = False
        self.trouble = ""
        self._browsers = Browsers(browser, proxy) if browser or proxy else None
        self._errors = []
        self._deselected = 0
        self._junit = None
        self._outcome = None
        self._children = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config):
        """Refuse what cannot work from afar, and keep other runners from taking over."""
        if config.getoption("usepdb", False):
            raise pytest.UsageError("--pdb needs a terminal: run plain pytest for that")
        if config.pluginmanager.hasplugin("xdist"):
            config.option.dist = "no"
            config.option.tx = []
            config.option.numprocesses = None
        if self._browsers and config.pluginmanager.hasplugin("playwright"):
            config.pluginmanager.register(self._browsers.module(), "ath-browser")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session):
        """Tell the host what was covered, once pytest-cov knows."""
        plugin = measuring(session.config)
        if plugin and not self.is_fork:
            tell(plugin, self._coverage)

    def pytest_collectreport(self, report):
        """Remember files that could not be collected, or were skipped as a whole."""
        if report.failed or report.skipped:
            self._errors.append(broken_file(report))

    def pytest_deselected(self, items):
        """Count what -k and -m left out."""
        self._deselected += len(items)

    def pytest_internalerror(self, excrepr):
        """Pass on what pytest itself stumbled over."""
        self.trouble = str(excrepr)[-4000:]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        """Stand in for pytest's own loop."""
        self._drop_reporters(session.config)
        self.wire.send(self._collected(session))
        if session.config.option.collectonly:
            return True
        self._serve(session)
        return True

    def _collected(self, session):
        config = session.config
        return {
            "ev": "collected",
            "protocol": PROTOCOL,
            "pytest": pytest.__version__,
            "tests": [_test(item, config) for item in session.items],
            "errors": self._errors,
            "deselected": self._deselected,
            "maxfail": config.getoption("maxfail", 0) or 0,
            "run_broken": bool(config.getoption("continue_on_collection_errors", False)),
            "junit": self._junit,
            "forkable": len(os.listdir("/proc/self/task")) == 1,
            "measured": measuring(config) is not None,
        }

    def _drop_reporters(self, config):
        """The host reports; printing and writing XML here would only cost time."""
        for plugin in list(config.pluginmanager.get_plugins()):
            name = type(plugin).__name__
            if name == "LogXML":
                self._junit = plugin.logfile
            # pytest-cov reports through the terminal's plugin at the end
            if name == "LogXML" or (name == "TerminalReporter" and not measuring(config)):
                config.pluginmanager.unregister(plugin)

    def _serve(self, session):
        while True:
            message = self._next_command()
            if message is None or message["op"] == "close":
                return
            if message["op"] == "become":
                self._name_worker(session.config, message["worker"])
                Worker(self.wire, session, self).run()
                return
            if message["op"] == "fork" and self._fork(session, message["worker"]):
                return

    def _next_command(self):
        while not self.wire.has_message():
            ready, _, _ = select.select(
                [self.wire], [], [], _REAP_SECONDS if self._children else None
            )
            self._reap()
            if ready:
                break
        return self.wire.receive()

    def _fork(self, session, name):
        """True in the child, after its work."""
        channel = self.wire.take_fd()
        # What was collected lives as long as the forks, and looking through it for garbage would
        # copy its pages into each of them.
        gc.freeze()
        pid = os.fork()
        if pid:
            os.close(channel)
            self._children[pid] = name
            self.wire.send({"ev": "forked", "worker": name, "pid": pid})
            return False
        os.setpgid(0, 0)
        self.is_fork = True
        self._children = {}
        self.wire.close()
        self.wire = Wire.adopt(channel)
        _own_capture(session.config)
        _own_folders(session.config, name)
        if measuring(session.config):
            measure_in_fork(measuring(session.config))
        self._name_worker(session.config, name)
        Worker(self.wire, session, self).run()
        return True

    def _name_worker(self, config, name):
        # Where our own plugin may ask the host for more; it looks for a plain attribute.
        config._ath_door = (self._door, name)
        if self._browsers:
            self._browsers.worker = name

    def _reap(self):
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                name = self._children.pop(pid)
                code = os.waitstatus_to_exitcode(status)
                self.wire.send({"ev": "worker_exited", "worker": name, "code": code})

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        """Keep the exception of a failed phase as structure."""
        result = yield
        if self._outcome and call.excinfo and result.get_result().failed:
            self._outcome.raised(call.when, call.excinfo)

    def pytest_runtest_logreport(self, report):
        """Every phase and subtest of the running test."""
        if self._outcome:
            self._outcome.add(report)

    def watch(self, outcome):
        """From now on, reports belong to this outcome."""
        self._outcome = outcome


class Worker:
    """Runs tests by index, in the order given, holding the last until its successor is known."""

    def __init__(self, wire, session, steered):
        self._wire = wire
        self._session = session
        self._steered = steered
        self._waiting: deque = deque()
        self._is_last = False

    def run(self):
        """Serve until the host says `finish`, goes away, or the suite asks to stop."""
        while self._fill():
            index = self._waiting.popleft()
            self._run_one(index, self._waiting[0] if self._waiting else None)
            stop = self._session.shouldfail or self._session.shouldstop
            if stop:
                self._wire.send({"ev": "stopped", "why": str(stop)})
                return

    def _fill(self):
        """Whether a test can run: two wait, or one and nothing will follow."""
        while len(self._waiting) < 2 and not self._is_last:
            message = self._wire.receive()
            if message is None:
                return False
            if message["op"] == "finish":
                self._is_last = True
            else:
                self._waiting.extend(message["tests"])
        return bool(self._waiting)

    def _run_one(self, index, following):
        items = self._session.items
        item = items[index]
        outcome = Outcome(item, self._session.config)
        self._steered.watch(outcome)
        item._ath_tell = self._tell_step
        self._wire.send({"ev": "started", "i": index})
        item.config.hook.pytest_runtest_protocol(
            item=item, nextitem=None if following is None else items[following]
        )
        item._ath_tell = None
        self._steered.watch(None)
        # Each send wakes the host up; where a test follows at once, its start says both.
        tell = self._wire.hold if self._waiting else self._wire.send
        tell(dict(outcome.message(), ev="finished", i=index))

    def _tell_step(self, told):
        """A step began or ended: said at once, for the end of the test may never come."""
        self._wire.send(dict(step_told(told), ev="step"))


def _test(item, config):
    path, line, _ = item.location
    group = item.get_closest_marker("xdist_group")
    name = None
    if group:
        name = group.args[0] if group.args else group.kwargs.get("name", "default")
    # pytest counts lines from 0
    return [item.nodeid, path.replace(os.sep, "/"), None if line is None else line + 1, name]


def _own_capture(config):
    """Captured output goes to temporary files whose offsets forks would share: make new ones."""
    manager = config.pluginmanager.getplugin("capturemanager")
    if manager is None:
        return
    manager.suspend_global_capture(in_=True)
    manager.read_global_capture()
    manager.stop_global_capturing()
    manager.start_global_capturing()


def _own_folders(config, name):
    """Workers of one run must not clean each other's folders away."""
    factory = getattr(config, "_tmp_path_factory", None)
    given = getattr(factory, "_given_basetemp", None)
    if factory is not None and given is not None:
        given.mkdir(parents=True, exist_ok=True)
        factory._given_basetemp = given / name
    if config.pluginmanager.hasplugin("playwright"):
        output = getattr(config.option, "output", None)
        if output:
            config.option.output = os.path.join(output, name)
