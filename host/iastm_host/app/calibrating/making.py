"""From a book to a document: what the points were taken with, in the words that a document keeps."""

from __future__ import annotations

import calendar
from datetime import datetime
from typing import Protocol

from iastm_calibration.document import CalibrationDocument, Reference, TakenPoint, Tip, ToolUnderCalibration
from iastm_calibration.uncertainty import Use
from iastm_host.app.calibrating.book import Book
from iastm_host.app.calibrating.setup import Setup
from iastm_host.events import Problem, ToolDescription

_ID_LENGTH = 24
_DATE_LENGTH = len("2026-11-21")


class Make(Protocol):
    """Makes the document, as iastm_calibration.calibrate does; raises CalibrationError."""

    def __call__(
        self,
        taken: tuple[TakenPoint, ...],
        tool: ToolUnderCalibration,
        reference: Reference,
        tip: Tip,
        use: Use,
        *,
        method: str,
        made_by: str,
        made_at: str,
        expires_on: str,
        calibration_id: str,
        notes: tuple[str, ...],
        accept_outliers: bool,
        expected_n_per_count: float | None,
    ) -> CalibrationDocument:
        """Return the document."""


def document_of(
    book: Book, make: Make, now: datetime, gauge: ToolDescription | None, newtons_per_count: float | None
) -> CalibrationDocument:
    """Return the document of all points that count. Raises CalibrationError, and Problem for a tool nobody knows.

    `newtons_per_count` is the slope in force on the tool, None where it isn't known. Points that stand apart are an
    error unless somebody decided to keep them.
    """
    if book.tool is None:
        raise Problem("The tool has not said who it is.", "Connect it, then calculate again.")
    setup = book.setup
    return make(
        tuple(entry.point for entry in book.counting()),
        book.tool,
        reference_of(setup, gauge),
        setup.tip,
        setup.use(),
        method=setup.method,
        made_by=setup.made_by,
        made_at=now.isoformat(timespec="seconds"),
        expires_on=months_after(now, setup.expires_months),
        calibration_id=calibration_id(book.tool.serial_number, now),
        notes=book.notes,
        accept_outliers=book.outliers_kept,
        expected_n_per_count=newtons_per_count,
    )


def reference_of(setup: Setup, gauge: ToolDescription | None) -> Reference:
    """Return what the tool is compared with."""
    if setup.against_gauge:
        stated = setup.weights_description
        if not stated and gauge is not None:
            stated = " ".join(filter(None, (gauge.board, gauge.serial_number, gauge.calibration_id)))
        return Reference("gauge", stated or "reference gauge", setup.tolerance, setup.certificate, None, None, "")
    gravity = setup.gravity()
    place = "not stated"
    if setup.latitude_deg is not None:
        place = f"latitude {setup.latitude_deg:g}°, {setup.height_m:g} m"
    return Reference(
        "weights",
        setup.weights_description or "weights as marked",
        setup.tolerance,
        setup.certificate,
        gravity.value_m_s2,
        gravity.standard_m_s2,
        place,
    )


def tool_of(described: ToolDescription, capacity_n: float, setup: Setup) -> ToolUnderCalibration:
    """Return the tool as a document names it."""
    return ToolUnderCalibration(
        serial_number=described.serial_number,
        name=described.board,
        load_cell=setup.load_cell,
        converter=setup.converter,
        capacity_n=capacity_n,
        firmware=described.firmware_version,
    )


def calibration_id(serial_number: str, now: datetime) -> str:
    """Return serial number and day, 24 printable ASCII characters at most."""
    plain = "".join(character for character in serial_number if " " <= character <= "~")
    return f"{plain[: _ID_LENGTH - _DATE_LENGTH - 1]} {now:%Y-%m-%d}".strip()


def months_after(now: datetime, months: int) -> str:
    """Return the same day so many months on, or the last of that month where it is shorter."""
    whole = now.year * 12 + now.month - 1 + months
    year, month = divmod(whole, 12)
    day = min(now.day, calendar.monthrange(year, month + 1)[1])
    return f"{year:04d}-{month + 1:02d}-{day:02d}"
