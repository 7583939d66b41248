"""`iastm calibrate fit` as users run it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REFERENCE_DATA = Path(__file__).parents[2] / "calibration" / "reference_data"
Iastm = Callable[..., Any]


def points_of(name: str, folder: Path) -> Path:
    """Write a set of NIST's with the columns that the command takes."""
    with (REFERENCE_DATA / f"{name}.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    file = folder / f"{name}-points.csv"
    file.write_text("reference,reading\n" + "".join(f"{x},{y}\n" for y, x in rows))
    return file


@pytest.mark.parametrize(
    ("name", "degree", "coefficients", "residual_sd"),
    [
        ("norris", 1, [-0.262323073774029, 1.00211681802045], 0.884796396144373),
        (
            "pontius",
            2,
            [0.673565789473684e-03, 0.732059160401003e-06, -0.316081871345029e-14],
            0.205177424076185e-03,
        ),
    ],
)
def test_the_certified_coefficients_come_out(
    iastm: Iastm, tmp_path: Path, name: str, degree: int, coefficients: list[float], residual_sd: float
) -> None:
    ran = iastm("calibrate", "fit", points_of(name, tmp_path), "--degree", degree, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["coefficients"] == pytest.approx(coefficients, rel=5e-15, abs=0)
    assert ran.json["residual_sd"] == pytest.approx(residual_sd, rel=5e-15)
    assert len(ran.json["standard_errors"]) == degree + 1


def test_predict_turns_the_curve_round_and_people_get_a_table(iastm: Iastm, tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    file.write_text("reference,reading\n0,100\n10,2100\n20,4100\n30,6100\n")
    ran = iastm("calibrate", "fit", file, "--degree", 1, "--predict", "reference", "--json")
    assert ran.json["coefficients"] == [-0.5, 0.005]
    assert ran.json["predict"] == "reference"
    shown = iastm("calibrate", "fit", file, "--degree", 1)
    assert shown.code == 0
    assert "4 points, reference from 0 to 30" in shown.out
    assert "200" in shown.out


def test_a_gap_and_an_outlier_are_named_and_nothing_is_dropped(iastm: Iastm, tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    rows = [(load, 2 * load + load % 3 * 0.01) for load in (0, 1, 2, 3, 4, 5, 6, 7, 8, 40)]
    rows[4] = (4, 9)
    file.write_text("reference,reading\n" + "".join(f"{x},{y}\n" for x, y in rows))
    ran = iastm("calibrate", "fit", file, "--degree", 1, "--json")
    assert ran.code == 0
    gap, outlier = ran.json["notes"]
    assert "Between 8 and 40" in gap
    assert "Point 5 (at 4" in outlier
    assert ran.json["point_count"] == 10


@pytest.mark.parametrize(
    ("text", "degree", "words"),
    [
        ("load,reading\n1,2\n", 1, "reference"),
        ("reference,reading\n1,2\n2,3\n3,nan\n", 1, "Line 4"),
        ("reference,reading\n1,2\n2,three\n3,4\n", 1, "three"),
        ("reference,reading\n1,2\n2,3\n", 1, "at least 3 points"),
        ("reference,reading\n", 1, "0 points"),
        ("reference,reading\n1,2\n1,3\n1,4\n1,5\n", 1, "Every reference is 1"),
        ("reference,reading\n1,2\n2,2\n3,2\n4,2\n", 1, "Every reading is 2"),
        ("reference,reading\n1,2\n2,3\n3,4\n", 0, "degree 0"),
        ("reference,reading\n1,2\n2,3\n3,4\n", 9, "degree 9"),
        ("reference,reading\n1,2\n2,3\n3,4\n", "two", "--degree"),
        ("reference,reading\n0,9\n1,4\n2,1\n3,0\n4,1\n5,4\n", 2, "turns at 3"),
    ],
)
def test_bad_points_are_refused_with_what_and_fix(
    iastm: Iastm, tmp_path: Path, text: str, degree: int | str, words: str
) -> None:
    file = tmp_path / "points.csv"
    file.write_text(text)
    ran = iastm("calibrate", "fit", file, "--degree", degree, "--json")
    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""


def test_a_file_that_is_missing_or_no_text_is_refused(iastm: Iastm, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_bytes(b"reference,reading\n\xff\xfe\n")
    for file, words in (("none.csv", "can't be read"), ("points.csv", "UTF-8"), (tmp_path, "can't be read")):
        ran = iastm("calibrate", "fit", file, "--degree", 1)
        assert ran.code == 2
        assert words in ran.err
