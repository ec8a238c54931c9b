"""JUnit XML of other tools, good and hostile."""

import io
from dataclasses import replace

import pytest

from harness.domain.attempt import Failure, Frame, Verdict
from harness.domain.foreign import DEFAULT_LIMITS, ForeignResults, ForeignTest, ReadLimits
from harness.domain.ids import TestId
from harness.domain.junit_case import address
from harness.domain.junit_reader import read_junit
from harness.errors import InvalidInput, TooLarge
from tests.unit.domain import junit_dialects as dialects


def read(document: str | bytes, limits: ReadLimits = DEFAULT_LIMITS) -> ForeignResults:
    content = document.encode() if isinstance(document, str) else document
    return read_junit(io.BytesIO(content), "j.xml", limits)


def told(results: ForeignResults) -> dict[str, list[str]]:
    return {
        test.id: [str(attempt.result.verdict) for attempt in test.attempts]
        for test in results.tests
    }


def a_case(inside: str = "", **attributes: str) -> str:
    named = "".join(
        f' {k}="{v}"' for k, v in ({"name": "t", "classname": "c"} | attributes).items()
    )
    return f"<testsuite><testcase{named}>{inside}</testcase></testsuite>"


def the_test(document: str | bytes) -> ForeignTest:
    (found,) = read(document).tests
    return found


def the_failure(test: ForeignTest, attempt: int = 0) -> Failure:
    failure = test.attempts[attempt].result.failure
    assert failure is not None
    return failure


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            dialects.PYTEST,
            {
                "tests/test_a.py::test_flaky": ["failed", "passed"],
                "tests/test_a.py::test_never": ["failed", "failed"],
                "tests/test_a.py::test_both": ["failed"],
                "tests/test_a.py::test_setup": ["failed"],
                "tests/test_a.py::TestX::test_m[a::b]": ["passed"],
                "tests/test_a.py::TestX::test_s": ["skipped"],
            },
        ),
        (dialects.PYTEST_WITH_FILES, {"deep/er.py::TestX::test_m": ["passed"]}),
        (
            dialects.SUREFIRE,
            {
                "shop.BasketTest::addsUp": ["passed"],
                "shop.BasketTest::isSlow": ["failed", "passed"],
                "shop.BasketTest::isShared": ["skipped"],
                "shop.BasketTest::isEmptied": ["failed", "failed"],
            },
        ),
        (dialects.GRADLE, {"shop.BasketTest::isSlow()": ["failed", "passed"]}),
        (
            dialects.PLAYWRIGHT,
            {
                "shop.spec.js::basket » is emptied[one]": ["failed"],
                "shop.spec.js::basket » times out[one]": ["timed_out"],
                "shop.spec.js::basket » is emptied[two]": ["passed"],
                "shop.spec.js::basket » is shared[two]": ["skipped"],
            },
        ),
        (dialects.JEST, {"sum::sum adds": ["passed"], "sum::sum of none is 0": ["failed"]}),
        (
            dialects.GO,
            {
                "example.org/shop/basket::TestSum/three": ["failed"],
                "example.org/shop/basket::TestSkip": ["skipped"],
                "example.org/shop/basket::TestOK": ["passed"],
            },
        ),
    ],
)
def test_each_dialect_gives_tests_with_attempts(
    document: str, expected: dict[str, list[str]]
) -> None:
    assert told(read(document)) == expected


def test_attempts_that_pytest_hides_are_told_as_failures_with_a_note() -> None:
    results = read(dialects.PYTEST)
    assert results.tool == "pytest"
    assert results.tests[0].verdict is Verdict.FLAKY
    assert the_failure(results.tests[0]).exception == "HiddenFailure"
    never = next(test for test in results.tests if test.name == "test_never")
    assert (the_failure(never).exception, the_failure(never).message) == (
        "AssertionError",
        "assert 0",
    )
    assert "does not say how this one failed" in the_failure(never).text
    assert any("pytest's JUnit hides (2)" in note for note in results.notes)


def test_a_failure_and_its_teardown_are_one_attempt() -> None:
    both = next(test for test in read(dialects.PYTEST).tests if test.name == "test_both")
    (attempt,) = both.attempts
    assert [phase.name for phase in attempt.result.phases] == ["call", "teardown"]
    assert [phase.failure and phase.failure.message for phase in attempt.result.phases] == [
        "assert 1 == 2",
        "RuntimeError: torn",
    ]


@pytest.mark.parametrize(
    ("document", "name", "exception", "frame"),
    [
        (dialects.PYTEST, "test_never", "AssertionError", Frame("", "test_a.py", 9)),
        (
            dialects.SUREFIRE,
            "isSlow",
            "java.lang.IllegalStateException",
            Frame("shop.BasketTest.isSlow", "BasketTest.java", 6),
        ),
        (
            dialects.JEST,
            "sum of none is 0",
            "Error",
            Frame("Object.toBe", "/home/me/sum.test.js", 1),
        ),
        (
            dialects.PLAYWRIGHT,
            "basket » is emptied",
            "expect.toEqual",
            Frame("", "/home/me/tests/shop.spec.js", 9),
        ),
        (dialects.GO, "TestSum/three", "", Frame("", "basket_test.go", 3)),
    ],
)
def test_failures_have_a_type_and_frames(
    document: str, name: str, exception: str, frame: Frame
) -> None:
    test = next(test for test in read(document).tests if test.name == name)
    failure = the_failure(test, -1 if document is dialects.PYTEST else 0)
    assert (failure.exception, failure.frames[0]) == (exception, frame)


def test_output_belongs_to_its_attempt() -> None:
    emptied = next(test for test in read(dialects.SUREFIRE).tests if test.name == "isEmptied")
    assert [attempt.result.sections for attempt in emptied.attempts] == [
        (("stderr", "no\n"),),
        (("stderr", "no, again\n"),),
    ]
    assert the_failure(emptied, 1).text == "AssertionFailedError: again"


def test_attachments_are_named_and_leave_the_output() -> None:
    attempt = read(dialects.PLAYWRIGHT).tests[0].attempts[0]
    assert [a.path for a in attempt.attachments] == [
        "test-results/shop-one/basket.txt",
        "../../etc/passwd",
    ]
    assert attempt.result.sections == (("stdout", "two and two"),)


def test_properties_of_a_tool_are_not_kept_for_they_hold_secrets() -> None:
    assert "/secret" not in repr(read(dialects.SUREFIRE))


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><testsuite name="&b;"/>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite>&a;</testsuite>',
        '<!DOCTYPE x SYSTEM "http://example.org/x.dtd"><testsuite/>',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://example.org/p"> %p;]><testsuite/>',
        '<!DOCTYPE x [<!ENTITY a "' + "a" * 100_000 + '">]><testsuite>' + "&a;" * 1000,
    ],
    ids=["billion-laughs", "external", "dtd", "parameter", "quadratic"],
)
def test_document_types_are_refused_before_anything_expands(document: str) -> None:
    with pytest.raises(InvalidInput, match=r"j\.xml declares a document type"):
        read(document)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", r"j\.xml is no XML \(no element found at line 1\)"),
        ("module x", r"j\.xml is no XML \(syntax error at line 1\)"),
        ("<testsuite", "is no XML"),
        ("<testsuite>", "damaged at line 1, column 12 .* 0 test cases"),
        (dialects.GO[:500], "damaged at line 9, column .* 1 test cases could be read"),
        ("<testsuite><testcase/><testcase></testsuite>", "mismatched tag.* 2 test cases"),
        ("<html><body/></html>", "no JUnit XML: it begins with <html>"),
        ("<testsuite>&nbsp;</testsuite>", "undefined entity"),
        ("<testsuite><testcase><testcase/></testcase></testsuite>", "stands in another"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(document: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(document)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (replace(DEFAULT_LIMITS, bytes=100), "more than 0 MiB"),
        (replace(DEFAULT_LIMITS, elements=5), "more than 5 elements"),
        (replace(DEFAULT_LIMITS, depth=2), "nests more than 2"),
        (replace(DEFAULT_LIMITS, tests=2), "more than 2 test cases. Split"),
    ],
)
def test_limits_are_named(limits: ReadLimits, message: str) -> None:
    with pytest.raises(TooLarge, match=message):
        read(dialects.GO, limits)


def test_a_tag_without_end_is_refused() -> None:
    with pytest.raises(TooLarge, match="a tag of more than 8 MiB"):
        read(b'<testsuite name="' + b"a" * (20 << 20))


def test_long_output_keeps_head_and_tail() -> None:
    text = "first" + "x" * 3_000_000 + "last"
    (section,) = the_test(a_case(f"<system-out>{text}</system-out>")).attempts[0].result.sections
    assert len(section[1]) < 70_000
    assert section[1].startswith("first")
    assert section[1].endswith("last")
    assert "characters left out" in section[1]


def test_all_texts_together_are_bounded() -> None:
    one = "<system-out>" + "x" * 60_000 + "</system-out>"
    cases = "".join(f'<testcase name="t{n}">{one}</testcase>' for n in range(20))
    found = read(f"<testsuite>{cases}</testsuite>", replace(DEFAULT_LIMITS, all_characters=200_000))
    kept = sum(len(text) for t in found.tests for _, text in t.attempts[0].result.sections)
    assert kept < 270_000
    assert "what came later was cut" in found.notes[0]


@pytest.mark.parametrize(
    "content",
    [
        b'<?xml version="1.0" encoding="iso-8859-1"?>' + a_case(name="é").encode("latin-1"),
        a_case(name="é").encode("utf-16"),
        ("\ufeff" + a_case(name="é")).encode(),
        a_case(name="é").encode("utf-16-le"),
        b'<?xml version="1.0" encoding="nonsense"?>' + a_case(name="é").encode(),
        b'<?xml version="1.0" encoding="punycode"?>' + a_case(name="é").encode(),
    ],
)
def test_encodings_are_recognised(content: bytes) -> None:
    assert the_test(content).name == "é"


def test_wrong_encoding_costs_characters_but_no_test() -> None:
    assert the_test(a_case(name="é").encode("latin-1")).name == "\ufffd"


@pytest.mark.parametrize("written", ["\x1b[2J\x00", "&#27;[2J&#0;", "&#x1b;[2J&#x0;"])
def test_characters_that_xml_forbids_are_shown(written: str) -> None:
    assert the_failure(the_test(a_case(f"<failure>{written}</failure>"))).text == "#x1B[2J#x00"


def test_long_names_are_cut_and_stay_different() -> None:
    names = ["n" * 1_000_000 + end for end in "ab"]
    cases = "".join(f'<testcase classname="c" name="{name}"/>' for name in names)
    found = read(f"<testsuite>{cases}</testsuite>").tests
    assert len({test.id for test in found}) == 2
    assert all(len(test.id.encode()) <= 1_000 for test in found)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1.5", 1.5), ("1,234.5", 1234.5), ("nan", 0), ("-1", 0), ("inf", 0), ("soon", 0), ("", 0)],
)
def test_durations_are_read_as_tools_write_them(text: str, seconds: float) -> None:
    assert the_test(a_case(time=text)).attempts[0].result.seconds == seconds


def test_a_test_that_was_not_run_has_no_attempt() -> None:
    assert the_test(a_case(status="notrun")).verdict is None


@pytest.mark.parametrize(
    ("classname", "name"),
    [
        ("tests.test_a.TestX", "test_m[a/b.py::c]"),
        ("test_x", "test"),
        ("odd.place", "test"),
        ("a.test_b.c_test.TestD.TestE", "t"),
    ],
)
def test_node_ids_of_pytest_give_back_what_pytest_wrote(classname: str, name: str) -> None:
    document = f'<testsuite name="pytest"><testcase classname="{classname}" name="{name}"/>'
    assert address(TestId(the_test(document + "</testsuite>").id)) == (classname, name)


def test_classnames_of_go_survive_import_and_export() -> None:
    assert address(read(dialects.GO).tests[0].id) == ("example.org/shop/basket", "TestSum/three")
