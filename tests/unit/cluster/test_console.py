"""Nothing that a test says steers the terminal of who reads it."""

import io

import pytest
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from cluster.cli.console import PlainConsole
from harness.domain.visible_text import one_line, visible

HOSTILE = "a\x1b[2J\x1b]0;title\x07b\rc\x9bd\u202ee\u2066f\x08g\tjust text"
SHOWN = "a\\x1b[2J\\x1b]0;title\\x07b\\x0dc\\x9bd\\u202ee\\u2066f\\x08g\tjust text"


def printed(*renderables: object, **options: object) -> str:
    file = io.StringIO()
    console = PlainConsole(file=file, width=200, force_terminal=True, color_system=None)
    console.print(*renderables, **options)  # type: ignore[arg-type]
    return file.getvalue()


def test_text_is_written_out() -> None:
    assert visible(HOSTILE) == SHOWN
    assert one_line("a\nb\tc") == "a\\nb c"
    assert visible("plain, é, 漢字 and\n😀") == "plain, é, 漢字 and\n😀"


@pytest.mark.parametrize("style", [None, "bold red"])
def test_console_prints_what_would_steer_it(style: str | None) -> None:
    said = printed(HOSTILE, markup=False, style=style)
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "a\\x1b[2J" in said


def test_tables_and_texts_are_no_way_around() -> None:
    table = Table("column")
    table.add_row(HOSTILE)
    assert "\x1b" not in printed(table, Text(HOSTILE))


def test_colours_and_live_lines_of_our_own_still_work() -> None:
    file = io.StringIO()
    console = PlainConsole(file=file, force_terminal=True, color_system="standard")
    console.print("[bold red]bad[/]")
    assert "\x1b[1;31mbad\x1b[0m" in file.getvalue()
    with Progress(console=console) as bar:
        bar.add_task(HOSTILE, total=1)
    assert "\x1b[2J" not in file.getvalue()
    assert "\x1b]0;" not in file.getvalue()
    assert "\x1b[2K" in file.getvalue()
