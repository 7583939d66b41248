from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iastm_calibration.canonical import sha256_of
from iastm_calibration.daily_check import DailyCheck, judge
from iastm_calibration.document import (
    CalibrationDocument,
    Compensation,
    Curve,
    FoundFigures,
    Reference,
    TakenPoint,
    Tip,
    ToolUnderCalibration,
    UncertaintyAt,
    content,
)
from iastm_host.events import Problem
from iastm_host.records.calibrations import CalibrationStore, read_document

POINTS = tuple(
    TakenPoint(
        1, 90.0, rising, step, mass, mass * 9.81, 84_000 + mass * 411_000, 55.0, 640, "2026-11-21T10:00:00+01:00"
    )
    for rising, step, mass in ((True, -1, 0.0), (True, 0, 0.5), (True, 1, 1.0), (True, 2, 1.5), (False, -1, 0.0))
)
DOCUMENT = CalibrationDocument(
    calibration_id="T-1 2026-11-21",
    method="quick",
    tool=ToolUnderCalibration("T-1", "bench", "TAL221", "NAU7802", 50.0, "0.1.0"),
    reference=Reference("weights", "kitchen weights", 0.01, "", 9.81, 0.001, "52° N"),
    tip=Tip("edge", "convex", None, None, "", None, None),
    points=POINTS,
    curve=Curve((0.0, 2.387e-5), 4.9, 14.7, 0.01, 2),
    figures=FoundFigures(0.01, None, None, None, None, 0.0, None, None, None, None, None, None, None, (), ()),
    uncertainty=(UncertaintyAt(14.7, 0.1, 2.0, (("curve", "fit", 0.05),), ("temperature",)),),
    compensation=Compensation(),
    made_by="Ann",
    made_at="2026-11-21T10:05:00+01:00",
    expires_on="2027-11-21",
)


def made(at: str, **changes: object) -> CalibrationDocument:
    return replace(DOCUMENT, made_at=at, **changes)  # type: ignore[arg-type]


def check(error: float, at: str = "2026-11-21T10:00:00+01:00", serial_number: str = "T-1") -> DailyCheck:
    return judge(0.01, 5.0, 5.01 + 5 * error, checked_at=at, serial_number=serial_number, calibration_id="c", by="Ann")


@pytest.fixture
def store(tmp_path: Path) -> CalibrationStore:
    return CalibrationStore(tmp_path / "calibrations")


def test_nothing_is_known_where_nothing_was_kept(store: CalibrationStore) -> None:
    assert store.known() == {}
    assert store.in_force("T-1").document is None
    assert store.checks("T-1") == ([], [])


def test_what_is_kept_comes_back_and_is_known_by_its_hash(store: CalibrationStore) -> None:
    path = store.save(DOCUMENT)
    assert read_document(path) == DOCUMENT
    assert store.in_force("T-1").document == DOCUMENT
    known = store.known()["T-1"]
    assert known.sha256 == sha256_of(content(DOCUMENT)).hex()
    assert (known.calibration_id, known.expires_on) == ("T-1 2026-11-21", "2027-11-21")


def test_the_newest_by_time_is_in_force_whatever_its_zone_and_name(store: CalibrationStore) -> None:
    later = made("2026-11-21T09:30:00-05:00")
    for document in (later, DOCUMENT, made("2026-11-20T23:59:59+01:00")):
        path = store.save(document)
    path.with_name("in_force").unlink()
    assert store.in_force("T-1").document == later


def test_the_one_that_was_chosen_last_is_in_force_though_it_is_older(store: CalibrationStore) -> None:
    store.save(DOCUMENT)
    later = made("2026-11-22T10:00:00+01:00")
    path = store.save(later)
    assert store.in_force("T-1").document == later
    store.choose(DOCUMENT)
    assert store.in_force("T-1").document == DOCUMENT
    path.with_name("in_force").write_text("torn")
    assert store.in_force("T-1").document == later


def test_nothing_is_written_over(store: CalibrationStore) -> None:
    path = store.save(DOCUMENT)
    before = path.read_bytes()
    with pytest.raises(Problem, match="exists and is not overwritten"):
        store.save(replace(DOCUMENT, made_by="Bob"))
    assert path.read_bytes() == before


def test_one_that_was_altered_is_named_and_the_one_before_stays_in_force(store: CalibrationStore) -> None:
    store.save(DOCUMENT)
    path = store.save(made("2026-11-22T10:00:00+01:00"))
    path.write_text(path.read_text().replace("Ann", "Eve"))
    kept = store.in_force("T-1")
    assert kept.document == DOCUMENT
    assert len(kept.troubles) == 1
    assert path.name in kept.troubles[0]
    with pytest.raises(Problem, match=r"\.json: "):
        read_document(path)


def test_another_tool_s_document_in_a_tool_s_folder_is_named_and_not_used(store: CalibrationStore) -> None:
    path = store.save(replace(DOCUMENT, tool=replace(DOCUMENT.tool, serial_number="T-2")))
    folder = path.parent.parent / "T-1"
    folder.mkdir()
    path.rename(folder / path.name)
    kept = store.in_force("T-1")
    assert kept.document is None
    assert "T-2" in kept.troubles[0]


@pytest.mark.parametrize("serial_number", ["../up", "a/b", "..", "", "COM1:?", "Ä 7", "a.b"])
def test_any_serial_number_has_a_folder_of_its_own_inside(
    store: CalibrationStore, tmp_path: Path, serial_number: str
) -> None:
    store.log_check(check(0.0, serial_number=serial_number))
    assert [one.serial_number for one in store.checks(serial_number)[0]] == [serial_number]
    assert [path.name for path in tmp_path.iterdir()] == ["calibrations"]
    (folder,) = (tmp_path / "calibrations").iterdir()
    assert (folder / "checks.jsonl").is_file()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(errors=st.lists(st.floats(-0.2, 0.2), max_size=8))
def test_every_check_is_in_the_log_in_order(tmp_path_factory: pytest.TempPathFactory, errors: list[float]) -> None:
    store = CalibrationStore(tmp_path_factory.mktemp("log"))
    checks = [check(error) for error in errors]
    for one in checks:
        store.log_check(one)
    assert store.checks("T-1") == (checks, [])


def test_a_torn_line_of_the_log_is_named_and_costs_no_other(store: CalibrationStore) -> None:
    path = store.log_check(check(0.01))
    whole = path.read_text()
    path.write_text(whole + whole[:40])
    store.log_check(check(0.02))
    found, troubles = store.checks("T-1")
    assert [round(one.span_error, 6) for one in found] == [0.01, 0.02]
    assert len(troubles) == 1
    assert "Line 2" in troubles[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("checked_at", "abc"),
        ("checked_at", "2026-11-21T10:00:00"),
        ("checked_at", None),
        ("span_error", math.nan),
        ("load_n", "5"),
        ("passed", 1),
        ("by", None),
        ("juggled", 3),
    ],
)
def test_a_line_of_the_log_that_makes_no_sense_is_named_and_left_out(
    store: CalibrationStore, field: str, value: object
) -> None:
    path = store.log_check(check(0.01))
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**asdict(check(0.02)), field: value}) + "\n")
    store.log_check(check(0.03))
    found, troubles = store.checks("T-1")
    assert [round(one.span_error, 6) for one in found] == [0.01, 0.03]
    assert len(troubles) == 1


def test_a_file_on_the_way_is_a_problem_in_words(tmp_path: Path) -> None:
    (tmp_path / "calibrations").write_text("")
    with pytest.raises(Problem, match="can't be written"):
        CalibrationStore(tmp_path / "calibrations").save(DOCUMENT)
