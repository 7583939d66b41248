from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iastm_host.app.tools_page.as_text import as_text
from iastm_host.app.tools_page.page import Cell, Facts, Lines, Notice, Progress, Row, Table, Verdict, Words

TABLE = Table(("Tool", "Battery"), (Row((Cell("T-03", "pico"), Cell("79 %"))), Row((Cell("T-1000"), Cell("")))))
any_words = st.text(max_size=20)


def test_a_page_is_text_with_an_empty_line_between_two_blocks() -> None:
    blocks = (
        Verdict("good", "Good", "Every sample came."),
        Words("Figures", strong=True),
        Facts((("Lost", "0"),)),
        Notice("No port.", "Plug it in."),
        Lines(("# start 1", "  failed")),
        Progress("Measuring", 0.3),
    )
    assert as_text(blocks) == (
        "Good: Every sample came.\n\nFigures\n\nLost\t0\n\nNo port.\nPlug it in.\n\n"
        "# start 1\n  failed\n\nMeasuring 30 %\n"
    ).replace("30 %", "30%")


def test_a_table_has_tabs_for_other_programs_and_columns_for_a_terminal() -> None:
    assert as_text((TABLE,)) == "Tool\tBattery\nT-03 (pico)\t79 %\nT-1000\t\n"
    assert as_text((TABLE,), columns=True) == "Tool         Battery\nT-03 (pico)  79 %\nT-1000\n"


@given(st.lists(st.tuples(any_words, any_words, any_words), min_size=1, max_size=5))
def test_no_word_in_a_cell_can_make_a_column_or_a_row(rows: list[tuple[str, str, str]]) -> None:
    table = Table(("A", "B", "C"), tuple(Row(tuple(Cell(word) for word in row)) for row in rows))
    lines = as_text((table,)).removesuffix("\n").split("\n")
    assert len(lines) == 1 + len(rows)
    assert all(line.count("\t") == 2 for line in lines)
