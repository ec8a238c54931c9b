"""How both sides of a comparison are counted and compared."""

from pathlib import Path

from benchmarks.race import Comparison, count_tests
from benchmarks.suites import write_tiny_suite


def test_tests_of_all_nested_suites_count(tmp_path: Path) -> None:
    junit = tmp_path / "results.xml"
    junit.write_text(
        "<testsuites><testsuite><testcase/><testcase><skipped/></testcase></testsuite>"
        "<testsuite><testcase/></testsuite></testsuites>"
    )
    assert count_tests(junit) == 3


def test_ratio_is_of_medians() -> None:
    comparison = Comparison(platform=[3.0, 2.0, 90.0], baseline=[2.0, 1.0, 50.0])
    assert comparison.ratio == 1.5


def test_tiny_suite_has_as_many_tests_as_asked(tmp_path: Path) -> None:
    folder = write_tiny_suite(tmp_path / "tiny", files=3, tests=4)
    tests = [file.read_text().count("def test_") for file in sorted(folder.glob("test_*.py"))]
    assert tests == [4, 4, 4]
