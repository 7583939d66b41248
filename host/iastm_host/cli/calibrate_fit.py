"""`iastm calibrate fit`: a curve through the points of a file."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from iastm_calibration.checks import outlier_words, outliers, require_no_gap, require_spread
from iastm_calibration.errors import CalibrationError, GapInRangeError
from iastm_calibration.models import CALIBRATION_DEGREE, REFERENCE_DEGREE, Fit, fit_calibration, fit_polynomial
from iastm_calibration.table import PointTable, read_points
from iastm_host.events import Problem


class Predict(StrEnum):
    """What the curve gives."""

    READING = "reading"
    REFERENCE = "reference"


def fit(
    file: Annotated[Path, typer.Argument(help="A CSV with the columns reference and reading.")],
    degree: Annotated[
        int,
        typer.Option(
            help=f"Degree of the polynomial: 1 to {CALIBRATION_DEGREE}; up to {REFERENCE_DEGREE} for reference data."
        ),
    ],
    predict: Annotated[
        Predict,
        typer.Option(help="reading: a polynomial of the reference, as ASTM E74 and NIST publish it; or reference."),
    ] = Predict.READING,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit a polynomial to points in a CSV, exactly.

    Up to degree 3 the curve must not turn within the points: one reading would mean two forces.

    Gaps and outliers are named; no point is left out.
    """
    try:
        points = _read(file)
        for values, name in ((points.reference, "reference"), (points.reading, "reading")):
            require_spread([float(value) for value in values], name)
        x, y = points.reference, points.reading
        if predict is Predict.REFERENCE:
            x, y = y, x
        fitted = (fit_calibration if degree <= CALIBRATION_DEGREE else fit_polynomial)(x, y, degree)
    except CalibrationError as error:
        raise Problem(error.what, error.fix) from None
    notes = _notes(fitted, points, [float(value) for value in x])
    if as_json:
        typer.echo(json.dumps(_as_object(fitted, predict, notes), ensure_ascii=False))
    else:
        _show(fitted, predict, notes, Console(highlight=False))


def _read(file: Path) -> PointTable:
    try:
        return read_points(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Problem(f"{file} can't be read: {error.strerror}.", "Check the name and the place.") from None
    except UnicodeDecodeError:
        raise Problem(f"{file} is no text in UTF-8.", "Save it as CSV, encoded as UTF-8.") from None


def _notes(fitted: Fit, points: PointTable, x: list[float]) -> list[str]:
    notes = []
    try:
        require_no_gap([float(value) for value in points.reference])
    except GapInRangeError as error:
        notes.append(str(error))
    found = outliers(fitted, x)
    if found:
        notes.append(outlier_words(found, fitted, x))
    if fitted.degree > CALIBRATION_DEGREE:
        notes.append(f"A calibration takes at most degree {CALIBRATION_DEGREE}; this is a fit of reference data.")
        turns = fitted.turning_points()
        if turns:
            notes.append(f"The curve turns at {', '.join(f'{turn:.6g}' for turn in turns)}.")
    return notes


def _as_object(fitted: Fit, predict: Predict, notes: list[str]) -> dict[str, Any]:
    return {
        "predict": predict.value,
        "degree": fitted.degree,
        "coefficients": fitted.coefficients,
        "standard_errors": fitted.standard_errors,
        "residual_sd": fitted.residual_sd,
        "degrees_of_freedom": fitted.degrees_of_freedom,
        "point_count": len(fitted.residuals),
        "range": [fitted.low, fitted.high],
        "residuals": fitted.residuals,
        "notes": notes,
    }


def _show(fitted: Fit, predict: Predict, notes: list[str], console: Console) -> None:
    of = Predict.REFERENCE if predict is Predict.READING else Predict.READING
    table = Table("power of " + of.value, "coefficient", "standard error", box=None, pad_edge=False)
    for order, (value, error) in enumerate(zip(fitted.coefficients, fitted.standard_errors, strict=True)):
        table.add_row(str(order), f"{value:.15g}", f"{error:.6g}")
    console.print(table)
    console.print(
        f"{len(fitted.residuals)} points, {of.value} from {fitted.low:g} to {fitted.high:g}; residual standard "
        f"deviation {fitted.residual_sd:.6g} ({predict.value}), {fitted.degrees_of_freedom} degrees of freedom",
        soft_wrap=True,
    )
    for note in notes:
        console.print(f"Note: {note}", markup=False, soft_wrap=True)
