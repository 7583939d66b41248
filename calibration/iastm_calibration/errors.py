"""What may be wrong with a calibration's data: one type for each, with words of what happened and what to do."""

from __future__ import annotations


class CalibrationError(Exception):
    """A calibration that can't be made or trusted: `what` happened, and `fix`, what to do about it."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what} {fix}")
        self.what = what
        self.fix = fix


class DegreeError(CalibrationError):
    """A polynomial of a degree that isn't offered."""


class NotANumberError(CalibrationError):
    """A value that is NaN or infinite."""


class TooFewPointsError(CalibrationError):
    """Fewer points than the degree asked for needs."""


class AllEqualError(CalibrationError):
    """Every value of a column is the same."""


class GapInRangeError(CalibrationError):
    """Neighbouring points lie so far apart that the curve between them is a guess."""


class OutlierError(CalibrationError):
    """Points that don't belong to the others; they are named and stay in the data."""


class NotMonotoneError(CalibrationError):
    """A curve that turns: one reading would mean two forces."""


class BeyondCapacityError(CalibrationError):
    """A load above what the cell is made for."""


class RangeError(CalibrationError):
    """A value outside the range that the calibration covers."""


class TableError(CalibrationError):
    """A file of points that can't be read."""


class UnitError(CalibrationError):
    """A unit that isn't one of force, or isn't known."""


class NotRecordedError(CalibrationError):
    """A figure is asked for that the points don't hold."""


class DocumentError(CalibrationError):
    """A kept calibration, or a list of tips, that can't be read, written or used."""


class NewerSchemaError(DocumentError):
    """A document of a schema that came after this toolkit."""


class AlteredError(DocumentError):
    """A document that isn't what it was when it was written: its hash doesn't fit."""


class OtherToolError(DocumentError):
    """A calibration that was made with another tool."""


class MissingZeroError(CalibrationError):
    """A series of loads without the reading of the unloaded tool."""


class SuspectPointError(CalibrationError):
    """A point that was taken in a way that can be told from the others; `kind` names which."""

    def __init__(self, what: str, fix: str, kind: str) -> None:
        super().__init__(what, fix)
        self.kind = kind


class SwappedLoadsError(SuspectPointError):
    """Two loads that fit once they are exchanged."""


class RepeatedReadingError(SuspectPointError):
    """A reading that is that of the load before, or of none."""


class WrongUnitError(SuspectPointError):
    """A load that is right in another unit."""


class OffScaleError(SuspectPointError):
    """A reading at the end of the converter's range."""


class WrongAngleError(SuspectPointError):
    """A series whose loads are all off alike, as at another angle."""


class NotAtRestError(CalibrationError):
    """An acceleration that isn't gravity alone, and so tells no angle."""


class TemperatureSpanError(CalibrationError):
    """Temperatures that lie too close together to tell what they do."""
