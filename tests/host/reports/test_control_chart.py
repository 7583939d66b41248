"""The control chart: limits, what lies outside, calibrations, trends, and pages of it."""

import io
import xml.etree.ElementTree as ET
from datetime import datetime, timedelta

import pypdf
import pytest

from iastm_calibration.daily_check import judge
from iastm_host.events import Problem
from iastm_host.reports.blocks import Notice, Result, Table
from iastm_host.reports.control_chart import (
    control_chart_html,
    control_chart_pdf,
    control_chart_svg,
    control_report,
)
from iastm_host.reports.control_chart_drawing import control_chart
from iastm_host.reports.drawing import Label, Mark, Path

START = datetime.fromisoformat("2026-08-03T08:10:00+02:00")


def check(day, error=0.0, zero_n=0.0, load_n=9.81, calibration="SIM-0001 2026-08-01", serial="SIM-0001", note=""):
    return judge(
        zero_n,
        load_n,
        zero_n + load_n * (1 + error),
        checked_at=(START + timedelta(days=day)).isoformat(),
        serial_number=serial,
        calibration_id=calibration,
        by="A. Example",
        note=note,
    )


def marks(drawing, shape):
    return [item for item in drawing.items if isinstance(item, Mark) and item.shape == shape]


def labels(drawing):
    return [item.text for item in drawing.items if isinstance(item, Label)]


def test_each_check_stands_once_in_both_planes():
    drawing = control_chart([check(day, 0.001 * day) for day in range(9)])
    assert len(marks(drawing, "circle")) == 18


def test_what_is_outside_has_another_shape_and_says_by_how_much():
    drawing = control_chart([check(0), check(1, error=0.04), check(2, zero_n=-0.4), check(3)])
    assert len(marks(drawing, "diamond")) == 2
    assert len(marks(drawing, "circle")) == 6
    assert "too high, +4.0 %" in labels(drawing)
    assert "too low, −0.40 N" in labels(drawing)


def test_a_value_at_its_limit_is_inside_as_the_check_says():
    checks = [check(0, error=0.03, load_n=10.0), check(1, error=-0.03, load_n=10.0), check(2, zero_n=0.3, load_n=10.0)]
    assert all(each.passed for each in checks)
    assert marks(control_chart(checks), "diamond") == []


def test_a_value_beyond_the_scale_stands_at_its_edge_with_its_number():
    drawing = control_chart([check(0), check(1, error=-0.51), check(2, error=1.2)])
    (low,), (high,) = marks(drawing, "down"), marks(drawing, "triangle")
    assert low.y > high.y
    assert {"too low, −51.0 %", "too high, +120.0 %"} <= set(labels(drawing))
    # One wrong weight must not flatten the rest.
    assert "+3 %" in labels(drawing)


def test_limits_and_centre_are_named():
    texts = labels(control_chart([check(0, load_n=10.0)]))
    assert {"+3 %", "−3 %", "+0.30 N", "−0.30 N", "centre"} <= set(texts)


def test_the_limit_of_zero_follows_the_load():
    drawing = control_chart([check(0, load_n=10.0), check(4, load_n=5.0)])
    stairs = [item for item in drawing.items if isinstance(item, Path) and item.dash == 5.0 and len(item.points) == 4]
    assert len(stairs) == 2


def test_a_new_calibration_is_marked_where_it_was_made():
    drawing = control_chart([check(0), check(2), check(4, calibration="SIM-0001 2026-08-06"), check(6)])
    assert labels(drawing).count("calibrated") == 2
    assert "calibrated" not in labels(control_chart([check(0), check(2)]))


def test_time_runs_as_it_did():
    drawing = control_chart([check(0), check(1), check(9)])
    first, second, third = (mark.x for mark in marks(drawing, "circle")[:3])
    assert (third - second) / (second - first) == pytest.approx(8)


def test_words_of_many_failures_do_not_bury_the_chart():
    drawing = control_chart([check(day, error=0.05) for day in range(40)])
    assert len(marks(drawing, "diamond")) == 40
    assert sum(text.startswith("too high") for text in labels(drawing)) == 12


def test_the_svg_is_a_document_that_says_what_it_shows():
    root = ET.fromstring(control_chart_svg([check(0), check(1, error=0.04)]))
    words = root.findtext("{http://www.w3.org/2000/svg}desc")
    assert words == (
        "2 checks from 2026-08-03 to 2026-08-04, 1 outside the limits. The latest: span +4.0 %, zero 0.000 N."
    )


def test_without_checks_there_is_a_page_that_says_so():
    assert "No checks yet" in control_chart_svg([])
    assert "No checks yet" in control_chart_html([])


def test_the_page_begins_with_the_latest_check_and_what_to_do():
    blocks = control_report([check(1, error=0.04), check(0)]).blocks
    assert isinstance(blocks[0], Result)
    assert blocks[0].headline == "The latest check did not pass"
    assert isinstance(blocks[1], Notice)
    assert "calibrate before you rely on the forces" in blocks[1].text
    mended = control_report([check(0, error=0.04), check(1)]).blocks[0]
    assert isinstance(mended, Result)
    assert mended.headline == "The latest check passed"


def test_trends_are_named_with_their_rule():
    blocks = control_report([check(day, error=0.015) for day in range(8)]).blocks
    (trend,) = [block for block in blocks if isinstance(block, Notice)]
    assert trend.word == "Trend"
    assert "The last 8 checks all read more than the load" in trend.text
    assert "7 in a row on one side" in trend.text


def test_all_checks_are_listed_the_latest_first_with_their_notes():
    report = control_report([check(0, note="<b>after a drop</b>"), check(1, error=0.2)])
    (table,) = [block for block in report.blocks if isinstance(block, Table)]
    assert [row.cells[0] for row in table.rows] == ["2026-08-04 08:10", "2026-08-03 08:10"]
    assert [row.cells[6] for row in table.rows] == ["not passed", "passed"]
    assert table.rows[1].note == "Note: <b>after a drop</b>"
    assert "&lt;b&gt;after a drop&lt;/b&gt;" in control_chart_html([check(0, note="<b>after a drop</b>")])


def test_checks_of_two_tools_make_no_chart():
    with pytest.raises(ValueError, match="one tool"):
        control_chart_svg([check(0), check(1, serial="SIM-0002")])


def test_the_page_as_pdf_is_new_and_whole(tmp_path):
    path = tmp_path / "checks.pdf"
    control_chart_pdf([check(day) for day in range(90)], path)
    texts = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(path.read_bytes())).pages]
    assert "Daily checks" in texts[0]
    assert all("Calibration" in text for text in texts[1:-1])
    with pytest.raises(Problem, match="exists and is not overwritten"):
        control_chart_pdf([check(0)], path)
