"""Daily checks over time: span and zero with their limits, what failed by shape and word, and what the row shows.

Entries are the checks of one tool, in any order; those of several tools raise ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from iastm_calibration.daily_check import (
    SPAN_LIMIT,
    ZERO_LIMIT_N,
    DailyCheck,
    findings,
    sentence,
    trends,
)
from iastm_host.records.new_file import write_new
from iastm_host.reports.blocks import Block, Column, Figure, Heading, Notice, Paragraph, Report, Result, Row, Table
from iastm_host.reports.control_chart_drawing import control_chart
from iastm_host.reports.html import to_html
from iastm_host.reports.numbers import decimal, moment_words, percent
from iastm_host.reports.paper import A4, Paper
from iastm_host.reports.svg import to_svg


def control_chart_svg(entries: Sequence[DailyCheck]) -> str:
    """Return the chart as one SVG file, light or dark as the reader has it."""
    return to_svg(control_chart(_in_order(entries)), alone=True)


def control_chart_html(entries: Sequence[DailyCheck]) -> str:
    """Return chart, trends and all checks as one HTML file without links."""
    return to_html(control_report(entries))


def control_chart_pdf(entries: Sequence[DailyCheck], path: Path, *, paper: Paper = A4) -> None:
    """Write the same as a new PDF. Raises Problem."""
    # On use: the PDF library takes a while to load.
    from iastm_host.reports.pdf import to_pdf

    write_new(path, to_pdf(control_report(entries), paper))


def control_report(entries: Sequence[DailyCheck]) -> Report:
    """Return the page as blocks."""
    checks = _in_order(entries)
    blocks: list[Block] = [*_latest(checks)]
    blocks += [Notice("Trend", f"{trend.what}\nBy this rule: {trend.rule}.") for trend in trends(checks)]
    blocks += [
        Heading("Span and zero over time"),
        Figure(
            control_chart(checks),
            f"Span: what the load added, less the load, as a share of it; limits ± {100 * SPAN_LIMIT:g} %. Zero: what "
            f"stood there without load; limits ± {100 * SPAN_LIMIT:g} % of the load, at least ± {ZERO_LIMIT_N:g} N. "
            "The centre line is no error. Dots: within limits. Diamonds, with their value: outside. Triangles: beyond "
            "the scale.",
        ),
    ]
    if checks:
        blocks += [Heading("All checks"), _table(checks)]
    blocks.append(
        Paragraph(
            "A check of two points tells whether a calibration still holds; it does not replace one. The limits are "
            "ours. A tool for feedback and training; it is not a medical device.",
            fine=True,
        )
    )
    serial = checks[-1].serial_number if checks else ""
    passed = sum(check.passed for check in checks)
    return Report(
        title="Daily checks",
        subtitle=f"serial number {serial}" if serial else "no tool yet",
        blocks=tuple(blocks),
        footer=f"{serial} · {passed} of {len(checks)} checks passed" if checks else "No checks yet",
        author="",
        made_at=datetime.fromisoformat(checks[-1].checked_at) if checks else None,
    )


def _in_order(entries: Sequence[DailyCheck]) -> list[DailyCheck]:
    if len({check.serial_number for check in entries}) > 1:
        raise ValueError("a control chart is that of one tool")
    return sorted(entries, key=lambda check: datetime.fromisoformat(check.checked_at))


def _latest(checks: Sequence[DailyCheck]) -> list[Block]:
    if not checks:
        return [Result("No checks yet", "A check takes a minute: no load, then one that is known.")]
    latest = checks[-1]
    words = f"{moment_words(latest.checked_at)}. {sentence(latest)}."
    headline = "The latest check passed" if latest.passed else "The latest check did not pass"
    said: list[Block] = [Result(headline, words)]
    said += [Notice("Outside", f"{found.what} {found.fix}") for found in findings(latest)]
    return said


def _table(checks: Sequence[DailyCheck]) -> Table:
    columns = [
        Column("Checked at", width=1.6),
        Column("Load, N", numeric=True, width=0.8),
        Column("Read, N", numeric=True, width=0.8),
        Column("Zero, N", numeric=True, width=0.8),
        Column("Span", numeric=True, width=0.8),
        Column("°C", numeric=True, width=0.6),
        Column("Result", width=1.15),
        Column("By", width=1.2),
        Column("Calibration", width=1.5),
    ]
    rows = []
    for check in reversed(checks):
        cells = (
            datetime.fromisoformat(check.checked_at).strftime("%Y-%m-%d %H:%M"),
            decimal(check.load_n, 2),
            decimal(check.read_n, 2),
            decimal(check.zero_n, 3, sign=True),
            percent(check.span_error, 1, sign=True),
            "" if check.temperature_c is None else decimal(check.temperature_c, 1),
            "passed" if check.passed else "not passed",
            check.by,
            check.calibration_id,
        )
        rows.append(Row(cells, strong=not check.passed, note=f"Note: {check.note}" if check.note else ""))
    return Table(f"All {len(checks)} checks, the latest first, at local time", tuple(columns), tuple(rows), small=True)
