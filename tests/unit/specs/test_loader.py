"""Every mistake of a spec is told with its place."""

from textwrap import dedent

import pytest

from actors.specs.loader import load
from actors.specs.problem import InvalidSpec
from actors.specs.step import KINDS


def told(text: str) -> list[str]:
    with pytest.raises(InvalidSpec) as caught:
        load("f", dedent(text).strip().encode())
    return [str(problem) for problem in caught.value.problems]


def one_step(step: str, more: str = "") -> str:
    return f"{more}\ntests:\n- id: a\n  steps:\n  - {step}\n".lstrip()


def test_every_mistake_is_told_in_the_order_of_the_file() -> None:
    second = "tests[0].steps[1].api"
    assert told(
        """
        suite: x
        ownr: me
        tests:
          - id: a b
            steps:
              - api: {requst: GET /}
              - api: {request: FETCH /, expect: {status: 2000}}
              - command: {run: []}
                seconds: 0
              - {name: nothing}
        """
    ) == [
        "f:2:1: ownr: unknown key; did you mean `owner`?",
        "f:4:5: tests[0].id: 'a b' does not look like ^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        "f:6:9: tests[0].steps[0].api.request: is missing",
        "f:6:15: tests[0].steps[0].api.requst: unknown key; did you mean `request`?",
        f"f:7:15: {second}.request: write a method and an address, such as GET /orders",
        f"f:7:42: {second}.expect.status: write a code such as 200, a list of codes, or 2xx",
        "f:8:19: tests[0].steps[2].command.run: list should have at least 1 item, not 0",
        "f:9:9: tests[0].steps[2].seconds: input should be greater than 0",
        f"f:10:9: tests[0].steps[3]: a step has exactly one of {', '.join(KINDS)}; this has none",
    ]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("api: {request: GET /, expect: {json: {'$.a': {eqals: 1}}}}", "did you mean `equals`?"),
        ("api: {request: GET /, expect: {json: {'$.a': {}}}}", "says nothing"),
        ("api: {request: GET /, expect: {json: {'$.[': 1}}}", "is no JSONPath"),
        ("api: {request: GET /, expect: {text: {matches: '('}}}", "is no regular expression"),
        ("api: {request: GET /, save: {a: '$.['}}", "is no JSONPath"),
        ("api: {request: GET /, save: {a: {regex: '('}}}", "is no regular expression"),
        ("api: {request: GET /, json: 1, body: x}", "give one of json, form, body and file"),
        ("api: {request: GET /, auth: {}}", "give bearer or basic"),
        ("{api: {request: GET /}, command: {run: [a]}}", "this has api and command"),
    ],
)
def test_mistake_in_a_step_is_told(step: str, message: str) -> None:
    assert message in "\n".join(told(one_step(step)))


@pytest.mark.parametrize(
    ("lookup", "message"),
    [
        ("${citty}", "did you mean `${city}`?"),
        ("${matrix.x}", "${matrix.x} is unknown"),
        ("${env.HOME}", "name HOME under `environment:`"),
        ("${env.REGON}", "did you mean `${env.REGION}`?"),
        ("${secrets.KEY}", "name KEY under `secrets:`"),
        ("${1 + 1}", "no expressions"),
        ("${steps.login.token}", "${steps.login.token} is unknown"),
        ("${secrets}", "needs one of TOKEN"),
    ],
)
def test_unknown_lookup_is_told_before_anything_runs(lookup: str, message: str) -> None:
    suite = "variables: {city: Graz}\nenvironment: {REGION: eu}\nsecrets: [TOKEN]"
    assert message in told(one_step(f"api: {{request: 'GET /{lookup}'}}", suite))[0]


def test_lookup_of_what_an_earlier_step_saves_is_known() -> None:
    load(
        "f",
        dedent(
            """
            tests:
              - id: a
                steps:
                  - id: login
                    api: {request: POST /login, save: {token: $.token}}
                  - api: {request: "GET /${token}/${steps.login.token.any.thing}"}
                always:
                  - api: {request: "DELETE /${token}"}
            """
        ).encode(),
    )


def test_lookup_of_what_a_later_step_saves_is_unknown() -> None:
    text = """
        tests:
          - id: a
            steps:
              - api: {request: "GET /${token}"}
              - api: {request: POST /login, save: {token: $.token}}
        """
    assert "${token} is unknown" in told(text)[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("variables: {env: 1}", "`env` has a meaning of its own"),
        ("use: [class]", "cannot be a fixture"),
        ("tests: []", "at least 1 item"),
    ],
)
def test_names_with_a_meaning_are_refused(text: str, message: str) -> None:
    step = "\ntests: [{id: a, steps: [{command: {run: [a]}}]}]" if "tests" not in text else ""
    assert message in "\n".join(told(text + step))


def test_saved_name_with_a_meaning_is_refused() -> None:
    step = "api: {request: GET /, save: {secrets: $.a}}"
    assert "`secrets` has a meaning of its own" in told(one_step(step))[0]


def test_two_tests_of_one_id_are_refused() -> None:
    text = (
        "tests: [{id: a, steps: [{command: {run: [a]}}]}, {id: a, steps: [{command: {run: [a]}}]}]"
    )
    assert "two tests have the id a" in told(text)[0]


def test_rows_with_other_columns_are_refused() -> None:
    text = """
        tests:
          - id: a
            matrix:
              one: {x: 1}
              two: {y: 1}
            steps: [{command: {run: [a]}}]
        """
    assert told(text) == [
        "f:5:7: tests[0].matrix.two: alone has the column 'y'",
        "f:5:7: tests[0].matrix.two: lacks the column 'x'",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("openapi: {shema: a.json}", "f:1:11: openapi.shema: unknown key; did you mean `schema`?"),
        ("openapi: {schema: a, include: {path: [/a]}}", "did you mean `paths`?"),
        ("openapi: {schema: a, checks: [not_a_serer_error]}", "openapi.checks[0]: input should be"),
        ("openapi: {schema: a, examples: 0}", "openapi.examples: input should be greater"),
        ("openapi: {schema: a, headers: {A: '${secrets.KEY}'}}", "name KEY under `secrets:`"),
        ("graphql: {phases: [coverage]}", "graphql.phases[0]: input should be"),
        ("suite: empty", "give tests, openapi or graphql"),
    ],
)
def test_mistake_in_tests_by_description_is_told(text: str, message: str) -> None:
    assert message in "\n".join(told(text))
