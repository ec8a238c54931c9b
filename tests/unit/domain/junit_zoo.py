"""A suite with every kind of outcome, and a plugin that tells what happened as JSON."""

SUITE = """
import sys
import unittest
import pytest

def test_pass():
    print("hello")

def test_fail():
    print("out"); print("err", file=sys.stderr)
    assert 1 == 2

@pytest.fixture
def bad_setup():
    raise RuntimeError("setup broke")

@pytest.fixture
def bad_teardown():
    yield
    raise RuntimeError("teardown broke")

def test_setup_error(bad_setup): pass
def test_teardown_error(bad_teardown): pass
def test_fail_and_teardown(bad_teardown): assert 0

def test_skip_and_teardown(bad_teardown):
    pytest.skip("then it broke")

@pytest.mark.skip(reason="not today")
def test_skip(): pass

def test_skip_inside():
    pytest.skip("inside")

@pytest.mark.xfail(reason="known")
def test_xfail(): assert 0

@pytest.mark.xfail(reason="known", strict=False)
def test_xpass(): pass

@pytest.mark.xfail(reason="known", strict=True)
def test_xpass_strict(): pass

@pytest.mark.xfail(run=False, reason="never")
def test_xfail_not_run(): pass

def test_property(record_property):
    record_property("owner", "ann <a&b>")

PARAMETERS = ["a/b.py", "a::b", "[z]", "\\x02", "\\xe9", "", 'q"uote', "two\\nlines"]

@pytest.mark.parametrize("x", PARAMETERS)
def test_parameter(x): pass

def test_subtests(subtests):
    with subtests.test("one", i=1): pass
    with subtests.test("two", i=2): assert 0
    with subtests.test("three"): pytest.skip("substep")

def test_subtests_and_teardown(subtests, bad_teardown):
    with subtests.test("one"): assert 0

def test_subtests_pass(subtests):
    with subtests.test("one", i=1): pass

class TestClass:
    def test_method(self): pass
    class TestInner:
        def test_invalid_characters(self): assert 0, "x\\x00y\\x1b[31m"

class Old(unittest.TestCase):
    def test_plain(self): self.assertEqual(1, 2)
    @unittest.skip("old")
    def test_skipped(self): pass
    @unittest.expectedFailure
    def test_expected(self): self.fail()
    @unittest.expectedFailure
    def test_unexpected(self): pass
    def test_subtests(self):
        for i in range(3):
            with self.subTest(i=i): self.assertEqual(i, 1)
"""

FILES = {
    "test_zoo.py": SUITE,
    "deep/er/test_broken.py": "import nothing_of_that_name\n",
    "deep/test_skipped.py": "import pytest\npytest.skip('module', allow_module_level=True)\n",
    "deep/test_deep.py": "class TestDeep:\n    def test_it(self): pass\n",
}

CONFTEST = """
import json
import pytest

SEEN = {}

def told(report, name):
    reason = ""
    if hasattr(report, "wasxfail"):
        outcome = "xfailed" if report.skipped else "xpassed"
        reason = report.wasxfail.removeprefix("reason: ")
    else:
        outcome = report.outcome
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    message = crash.message if crash else str(report.longrepr)
    return {
        "name": name, "outcome": outcome, "reason": reason, "message": message,
        "text": str(report.longrepr), "seconds": getattr(report, "duration", 0.0),
    }

def pytest_collectreport(report):
    if not report.passed:
        SEEN.setdefault(report.nodeid, {"phases": []})["phases"].append(told(report, "collect"))

def pytest_runtest_logreport(report):
    name = "subtest" if type(report).__name__ == "SubtestReport" else report.when
    test = SEEN.setdefault(report.nodeid, {"phases": []})
    test["phases"].append(told(report, name))
    test["properties"] = {key: str(value) for key, value in report.user_properties}
    test["sections"] = report.sections

def pytest_sessionfinish(session):
    (session.config.rootpath / "seen.json").write_text(json.dumps(SEEN), encoding="utf-8")
"""
