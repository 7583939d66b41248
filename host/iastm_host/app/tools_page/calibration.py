"""Calibration: which one is in force, its age and uncertainty, the daily checks, and how to calibrate next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import date, datetime

from iastm_calibration.daily_check import DailyCheck
from iastm_calibration.document import CalibrationDocument, expired
from iastm_host.app.calibrating.result import newtons_text
from iastm_host.app.tools_page.overview import calibration_cell
from iastm_host.app.tools_page.page import FAIR, GOOD, OPEN, POOR, Block, Cell, Facts, Row, Table, Verdict, Words
from iastm_host.app.tools_page.state import Entry
from iastm_host.app.tools_page.surroundings import BLE, SERIAL, SIMULATED
from iastm_host.app.tools_page.words import age_words, day_words, days_words, moment_words

_CHECKS_SHOWN = 12
_SOON_DAYS = 30
_HEADS = ("Checked", "By", "Zero, N", "Load, N", "Read, N", "Span, %", "Result")
_NUMBERS = frozenset({2, 3, 4, 5})


def calibration(entry: Entry, now: datetime) -> tuple[Block, ...]:
    """Return the blocks of the page for a known tool."""
    return tuple(_blocks(entry, now))


def _blocks(entry: Entry, now: datetime) -> Iterator[Block]:
    today = now.date()
    yield _verdict(entry, today)
    if entry.document is not None:
        yield Facts(tuple(_facts(entry, entry.document, today)))
    for trouble in entry.troubles:
        yield Words(trouble)
    yield Words("What to do next", strong=True)
    yield Facts(tuple(_commands(entry)))
    yield Words("Daily checks", strong=True)
    if entry.checks:
        yield Words(_last_check(entry.checks[-1], today))
        newest = entry.checks[-1 : -_CHECKS_SHOWN - 1 : -1]
        yield Table(_HEADS, tuple(_check_row(check, now) for check in newest), _NUMBERS)
    else:
        yield Words("None is kept here. A check takes a minute and one known weight.")


def _verdict(entry: Entry, today: date) -> Verdict:
    cell, tool, document = calibration_cell(entry, today), entry.tool, entry.document
    if document is None:
        if cell.text == "None":
            return Verdict(POOR, "Not calibrated", "Forces are nominal until the tool is calibrated.")
        sentence = "The tool has it; read it from the tool to see its age and uncertainty."
        if not tool.keeps_calibration:
            sentence = "The tool goes by it and keeps no file of it that could be read: its age is not known."
        return Verdict(OPEN, f"{tool.calibration_id or cell.text}: not kept here", sentence)
    if cell.text == "Not on the tool":
        return Verdict(POOR, cell.text, f"This computer keeps {document.calibration_id}; the tool has none.")
    if cell.text == "Differs":
        sentence = f"The tool has {tool.calibration_id}, this computer {document.calibration_id}. Choose one."
        return Verdict(POOR, cell.text, sentence)
    if expired(document, today):
        return Verdict(POOR, cell.text, "Calibrate the tool: how far it has moved since is not known.")
    if document.expires_on and (date.fromisoformat(document.expires_on) - today).days <= _SOON_DAYS:
        return Verdict(FAIR, cell.text, "It holds until then. Plan the next one.")
    return Verdict(GOOD, cell.text, "Tool and computer have the same.")


def _facts(entry: Entry, document: CalibrationDocument, today: date) -> Iterator[tuple[str, str]]:
    made = datetime.fromisoformat(document.made_at).date()
    yield "Calibration", f"{document.calibration_id}, {document.method}"
    yield "Made", f"{day_words(made, today)}, {age_words(made, today)}, by {document.made_by}"
    if document.expires_on:
        yield "Holds until", day_words(date.fromisoformat(document.expires_on), today)
    yield "Range", f"{document.curve.low_n:.3g} N to {document.curve.high_n:.3g} N"
    for place, at in enumerate(document.uncertainty[::-1]):
        words = f"± {newtons_text(at.expanded_n)} N at {at.force_n:.3g} N (about 95 %)"
        yield "" if place else "Uncertainty", words
    yield "Compared with", f"{document.reference.kind.capitalize()}: {document.reference.description}"
    yield "File", entry.document_file


def _last_check(check: DailyCheck, today: date) -> str:
    days = (today - datetime.fromisoformat(check.checked_at).date()).days
    when = "today" if days <= 0 else f"{days_words(days)} ago"
    said = "passed" if check.passed else "failed: see what it says below"
    return f"The last check was {when} and {said}."


def _check_row(check: DailyCheck, now: datetime) -> Row:
    at = datetime.fromisoformat(check.checked_at)
    return Row(
        (
            Cell(moment_words(at, now)),
            Cell(check.by),
            Cell(_signed(f"{check.zero_n:+.3f}")),
            Cell(f"{check.load_n:.3f}"),
            Cell(f"{check.read_n:.3f}"),
            Cell(_signed(f"{100 * check.span_error:+.1f}")),
            Cell("Passed" if check.passed else "Failed", check.note),
        )
    )


def _commands(entry: Entry) -> Iterator[tuple[str, str]]:
    if entry.tool.carrier != SIMULATED:
        yield "Check daily", command("iastm calibrate check --load 500g", entry)
    yield "Calibrate anew", command("iastm calibrate run", entry)
    tool, document = entry.tool, entry.document
    if document is None and tool.calibration_id and tool.keeps_calibration:
        yield "Read it from the tool", command("iastm calibrate read", entry)
    if document is not None and tool.calibration_sha256 != entry.document_sha256 and tool.keeps_calibration:
        yield "Give the tool this one", command("iastm calibrate write --kept", entry)
    if document is not None:
        yield "Make its certificate", f"iastm calibrate certificate --serial {shlex.quote(tool.serial_number)}"


def command(words: str, entry: Entry) -> str:
    """Return a command for a tool, to be typed as it is."""
    tool = entry.tool
    if tool.carrier == SIMULATED:
        return f"{words} --simulated"
    option = {SERIAL: "--port", BLE: "--tool"}.get(tool.carrier)
    return f"{words} {option} {shlex.quote(tool.address)}" if option and tool.address else words


def _signed(words: str) -> str:
    return words.replace("-", "−")
