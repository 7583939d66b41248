from __future__ import annotations

import json
import math
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta, timezone
from importlib import resources
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_calibration.canonical import canonical, sealed
from iastm_calibration.document import (
    MAX_CONTENT_BYTES,
    MONOTONE_COUNTS,
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
    expanded_n,
    expired,
    from_content,
    from_text,
    require_kept,
    require_tool,
    sha256_of,
    to_text,
)
from iastm_calibration.errors import (
    AlteredError,
    BeyondCapacityError,
    CalibrationError,
    DocumentError,
    NewerSchemaError,
    NotMonotoneError,
    OtherToolError,
    RangeError,
)

BEGIN = datetime(2027, 3, 27, 9, 30, tzinfo=timezone(timedelta(hours=1)))
TIP = Tip("Long edge", "convex, radius 3 mm, 60 mm long", 1.2, 0.15, "ink on paper at 10 N, ten prints", 0.49, 0.002)
TOOL = ToolUnderCalibration("SIM-0001", "Simulated tool", "50 N, 1 mV/V", "HX711 at 80 samples/s", 50.0, "0.1.0")
WEIGHTS = Reference("weights", "brass, class M2", 0.0005, "", 9.8072, 0.0005, "48.1° north, 520 m")
FIGURES = FoundFigures(
    -0.0042,
    0.011,
    0.0008,
    0.002,
    None,
    0.003,
    None,
    0.49,
    1.25,
    "A",
    1.25,
    None,
    None,
    ((60.0, -0.004),),
    ("two runs",),
)


def taken(run: int, angle_deg: float, rising: bool, step: int, seconds: int, **more: Any) -> TakenPoint:
    mass_kg = None if step < 0 else 0.2 * (step + 1)
    reference_n = 0.0 if mass_kg is None else mass_kg * 9.8057 * math.sin(math.radians(angle_deg))
    counts = -8_123_456.789 - 41_234.5678 * reference_n
    moment = (BEGIN + timedelta(seconds=seconds)).isoformat()
    return TakenPoint(run, angle_deg, rising, step, mass_kg, reference_n, counts, 123.4567, 160, moment, **more)


def series(runs: int, angles: tuple[float, ...], loads: int, **more: Any) -> Iterator[TakenPoint]:
    """Zero, loads up and down, zero, of every run at every angle, twenty seconds apart."""
    places = [
        (run, angle_deg, rising, step)
        for run in range(1, runs + 1)
        for angle_deg in angles
        for rising, steps in ((True, range(-1, loads)), (False, range(loads - 1, -2, -1)))
        for step in steps
    ]
    for number, place in enumerate(places):
        yield taken(*place, 20 * number, **more)


def budget(force_n: float, unknown: tuple[str, ...] = ("temperature",)) -> UncertaintyAt:
    rows = (
        ("reference", "weights within ± 0.05%", 0.00029 * force_n),
        ("repeatability", "three runs", 0.0021),
        ("hysteresis", "up against down, ± 0.011 N", 0.0032),
    )
    return UncertaintyAt(force_n, 0.01 + 0.001 * force_n, 2.0, rows, unknown)


def made(**changes: Any) -> CalibrationDocument:
    document = CalibrationDocument(
        calibration_id="SIM-0001 2027-03-27",
        method="quick",
        tool=TOOL,
        reference=WEIGHTS,
        tip=TIP,
        points=tuple(series(1, (90.0,), 3)),
        curve=Curve((0.0, -2.425e-05, 1.5e-13), 1.9611, 5.88342, 0.00123456, 4),
        figures=FIGURES,
        uncertainty=(budget(2.0), budget(4.0), budget(6.0)),
        compensation=Compensation(),
        made_by="A. Person",
        made_at="2027-03-27T10:15:00+01:00",
        expires_on="2028-03-27",
        notes=("Beside a window.",),
    )
    return replace(document, **changes)


# --- any document -----------------------------------------------------------------------------------------------------

LINES = st.text(max_size=30)
NAMES = st.text(min_size=1, max_size=20).map(lambda text: f"n{text}")
SIZES = st.floats(0, 1e6)
FORCES = st.floats(-1e6, 1e6)
ANGLES = st.floats(-90, 90)
OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.builds(
    lambda seconds, zone: (BEGIN.astimezone(zone) + timedelta(seconds=seconds)).isoformat(),
    st.integers(-(6 * 10**10), 2 * 10**11),
    OFFSETS,
)
SOON = st.integers(0, 90_000).map(lambda seconds: (BEGIN + timedelta(seconds=seconds)).isoformat())


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def any_points(step: st.SearchStrategy[int]) -> st.SearchStrategy[TakenPoint]:
    return st.builds(
        TakenPoint,
        run=st.integers(1, 1000),
        angle_deg=ANGLES,
        rising=st.booleans(),
        step=step,
        mass_kg=maybe(st.floats(0, 1e5)),
        reference_n=FORCES,
        counts=st.floats(-(2**31), 2**31),
        spread_counts=st.floats(0, 2**31),
        samples=st.integers(1, 10_000_000),
        taken_at=st.just("")
        | MOMENTS
        | st.integers(0, 90_000).map(lambda s: (BEGIN + timedelta(seconds=s)).isoformat()),
        note=LINES,
        temperature_c=maybe(st.floats(-100, 200)),
    )


ZEROS = any_points(st.just(-1)).map(lambda point: replace(point, mass_kg=None, reference_n=0.0))
POINTS = st.tuples(
    any_points(st.integers(0, 1000)), st.lists(ZEROS | any_points(st.integers(0, 1000)), max_size=9)
).flatmap(lambda pair: st.permutations([pair[0], *pair[1]]))
CURVES = st.builds(
    lambda slope, bends, ends, sd, freedom: Curve(
        # Bends that are too small to turn the curve within the converter's range.
        (0.0, slope, *(slope * bend / MONOTONE_COUNTS**order for order, bend in enumerate(bends, 1))),
        min(ends),
        max(ends),
        sd,
        freedom,
    ),
    st.floats(1e-9, 1.0) | st.floats(-1.0, -1e-9),
    st.lists(st.floats(-0.2, 0.2), max_size=2),
    st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=2, unique=True),
    SIZES,
    st.integers(0, 10_000),
)
TIPS = st.builds(
    Tip, NAMES, LINES, st.floats(0.001, 1000), maybe(st.floats(0.001, 1000)), LINES, SIZES, maybe(SIZES)
) | st.builds(Tip, NAMES, LINES, st.none(), st.none(), LINES, st.none(), st.none())
FACTORS = st.floats(1, 1000)
BUDGET_ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]) | NAMES, st.just("s") | LINES, SIZES), max_size=5)
BUDGETS = st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=5, unique=True).flatmap(
    lambda forces: st.tuples(
        *(
            st.builds(
                UncertaintyAt, st.just(force), SIZES, st.floats(1, 1000), BUDGET_ROWS, st.lists(NAMES, max_size=3)
            )
            for force in sorted(forces)
        )
    )
)
FOUND = st.builds(
    FoundFigures,
    FORCES,
    maybe(FORCES),
    maybe(st.floats(-1, 1)),
    maybe(SIZES),
    maybe(SIZES),
    maybe(FORCES),
    maybe(FORCES),
    maybe(FORCES),
    maybe(SIZES),
    maybe(st.sampled_from(["AA", "A"])),
    maybe(FORCES),
    maybe(st.sampled_from(["00", "0.5", "1", "2"])),
    maybe(FORCES),
    st.lists(st.tuples(ANGLES, st.floats(-1, 1)), max_size=3),
    st.lists(LINES, max_size=3),
)
DOCUMENTS = st.builds(
    CalibrationDocument,
    calibration_id=st.text(string.ascii_letters + string.digits + "-._", min_size=1, max_size=24),
    method=st.sampled_from(["quick", "full", "file"]),
    tool=st.builds(ToolUnderCalibration, NAMES, LINES, LINES, LINES, st.just(1e6), LINES),
    reference=st.builds(
        Reference,
        st.sampled_from(["weights", "gauge"]),
        LINES,
        maybe(st.floats(0, 1)),
        LINES,
        st.floats(9.7, 9.9),
        maybe(st.floats(0, 0.1)),
        LINES,
    ),
    tip=TIPS,
    points=POINTS,
    curve=CURVES,
    figures=FOUND,
    uncertainty=BUDGETS,
    compensation=st.builds(Compensation, maybe(st.floats(-1, 1)), maybe(st.floats(-1, 1)), maybe(st.floats(-100, 200))),
    made_by=LINES,
    made_at=MOMENTS,
    expires_on=st.just("9999-12-31"),
    notes=st.lists(LINES, max_size=3),
)


@given(DOCUMENTS)
def test_any_document_comes_back_from_content_and_file_to_the_bit(document: CalibrationDocument) -> None:
    kept = content(document)
    assert from_content(kept) == document
    text = to_text(document)
    assert from_text(text) == document
    assert content(from_text(text)) == kept
    assert json.loads(text)["sha256"] == sha256_of(kept).hex()


@given(DOCUMENTS)
def test_a_value_made_of_a_kept_one_is_the_same(document: CalibrationDocument) -> None:
    for part in (document, *document.points, document.curve, *document.uncertainty, document.figures, document.tip):
        assert replace(part) == part


@given(DOCUMENTS)
def test_the_schema_that_is_shipped_holds_for_any_document(document: CalibrationDocument) -> None:
    SHIPPED.validate(json.loads(to_text(document)))


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_a_full_calibration_fits_what_a_tool_keeps_with_room_for_notes() -> None:
    names = (
        "reference",
        "gravity",
        "fit",
        "repeatability",
        "reproducibility",
        "hysteresis",
        "resolution",
        "angle of use",
    )
    rows = tuple((name, f"what is known of the {name} of this tool, ± 0.123 N", 0.0123456) for name in names)
    full = made(
        method="full",
        points=tuple(series(3, (90.0, 60.0, 45.0), 8, temperature_c=23.4567)),
        curve=Curve(
            (0.0, -2.4250123456789123e-05, 1.2345678901234567e-16, -1.2345678901234567e-23), 0.5, 15.6, 0.01, 140
        ),
        uncertainty=tuple(UncertaintyAt(force, 0.0412345, 2.0123, rows, ("creep",)) for force in (0.5, 4, 8, 12, 15.6)),
    )
    assert len(full.points) == 3 * 3 * (8 * 2 + 2)
    assert len(content(full)) <= MAX_CONTENT_BYTES - 1500
    assert from_text(to_text(full)) == full


def test_what_is_more_than_a_tool_keeps_is_refused_with_words() -> None:
    much = made(points=tuple(series(3, (90.0, 60.0, 45.0), 8, note="a note that is as long as this at every point")))
    with pytest.raises(DocumentError, match=r"a tool keeps 15000\. Shorten its notes"):
        content(much)


def test_numbers_are_rounded_as_a_value_is_made() -> None:
    point = TakenPoint(1, 89.996, True, 0, 0.12345678, 1.23456789, 1234.5678, 0.009, 160, "", "", 21.005)
    assert (point.angle_deg, point.mass_kg, point.reference_n) == (90.0, 0.123457, 1.234568)
    assert (point.counts, point.spread_counts, point.temperature_c) == (1234.57, 0.01, round(21.005, 2))
    assert math.copysign(1, replace(point, counts=-0.001).counts) == 1
    slope = -2.4250123456789123e-05
    assert Curve((-0.0, slope), 0.1, 1.00000049, 0, 1) == Curve((0.0, slope), 0.1, 1.0, 0, 1)
    assert budget(1 / 3).rows[0][2] == round(0.00029 * round(1 / 3, 15), 6)


def test_texts_are_made_one_line_of_what_can_be_printed() -> None:
    point = taken(1, 90.0, True, 0, 0, note=" the\tcat\nhit\x00 it\u00a0hard ")
    assert point.note == "the cat hit it hard"
    assert from_text(to_text(made(points=(point,)))).points[0].note == point.note


def test_numbers_of_numpy_become_plain_ones() -> None:
    plain = taken(2, 60.0, True, 1, 40)
    given: dict[str, Any] = {
        field.name: np.float64(value) if isinstance(value, float) else value
        for field in fields(plain)
        if (value := getattr(plain, field.name)) is not None or field.name == "mass_kg"
    }
    given |= {"run": np.int64(2), "step": np.int32(1), "rising": np.bool_(True), "samples": np.int64(160)}
    point = TakenPoint(**given)
    assert point == plain
    assert [type(getattr(point, field.name)) for field in fields(point)] == [
        type(getattr(plain, field.name)) for field in fields(plain)
    ]


def test_moments_are_kept_as_seconds_and_those_of_another_offset_whole() -> None:
    zoned = "2027-03-27T09:00:00+02:00"
    moments = ["", "2027-03-27T09:30:00+01:00", "2027-03-27T09:29:30+01:00", zoned, "2047-01-01T00:00:00+01:00"]
    points = tuple(replace(taken(1, 90.0, True, 0, 0), taken_at=moment) for moment in moments)
    document = made(points=points)
    kept = json.loads(content(document))["points"]
    at = kept["columns"].index("taken_at_s")
    assert kept["from"] == moments[1]
    assert [row[at] for row in kept["rows"]] == [None, 0, -30, zoned, moments[4]]
    assert [point.taken_at for point in from_content(content(document)).points] == moments
    unknown = made(points=(replace(points[0], taken_at=""),))
    assert json.loads(content(unknown))["points"]["from"] is None
    assert from_content(content(unknown)) == unknown


def test_a_moment_is_kept_in_whole_seconds() -> None:
    exact = datetime(2027, 3, 27, 9, 30, 0, 654_321, tzinfo=UTC).isoformat()
    assert replace(taken(1, 90.0, True, 0, 0), taken_at=exact).taken_at == "2027-03-27T09:30:00+00:00"
    assert replace(taken(1, 90.0, True, 0, 0), taken_at="2027-03-27T09:30Z").taken_at == "2027-03-27T09:30:00+00:00"


def test_budgets_get_one_order_of_lines_and_lose_none() -> None:
    first = replace(budget(1.0), rows=(("a", "x", 1.0), ("b", "x", 2.0), ("a", "x", 3.0)))
    second = replace(budget(2.0), rows=(("c", "x", 4.0), ("b", "x", 5.0), ("a", "x", 6.0)))
    document = made(uncertainty=(first, second))
    assert document.uncertainty[0].rows == first.rows
    assert document.uncertainty[1].rows == (("a", "x", 6.0), ("b", "x", 5.0), ("c", "x", 4.0))
    table = json.loads(content(document))["uncertainty"]["rows"]
    assert table == [["a", "x", [1, 6]], ["b", "x", [2, 5]], ["a", "x", [3, None]], ["c", "x", [None, 4]]]
    assert from_content(content(document)) == document


def test_the_hash_of_a_document_of_schema_1_stays_what_it_is() -> None:
    assert sha256_of(content(made())).hex() == "091c9b68d48a7092b5c0973f1f86fa8167dbc492a16802e5e539fa2847974096"


def test_the_file_is_laid_out_to_be_read_a_row_of_a_point_on_a_line() -> None:
    lines = to_text(made()).splitlines()
    assert lines[1].startswith('  "sha256": "')
    assert lines[2:4] == ['  "schema": 1,', '  "calibration_id": "SIM-0001 2027-03-27",']
    assert "      [1, 90, 1, 0, 0.2, 1.96114, -8204323.55, 123.46, 160, 20]," in lines
    assert max(map(len, lines)) <= 120


# --- what is refused --------------------------------------------------------------------------------------------------


def resealed(tree: dict[str, Any]) -> str:
    """Return the text of a file whose hash fits whatever stands in it."""
    return sealed(canonical(tree), order=tree)


def plain(document: CalibrationDocument) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(content(document))
    return tree


def is_refused_or_the_same(text: str, document: CalibrationDocument) -> bool:
    try:
        return from_text(text) == document and content(from_text(text)) == content(document)
    except CalibrationError:
        return True


def test_any_single_altered_character_is_refused_or_means_the_same(size: Callable[[int, int], int]) -> None:
    document = made(points=tuple(series(1, (90.0,), 1)), uncertainty=(budget(2.0),))
    text = to_text(document)
    rng = random.Random(20270327)
    letters = string.printable + "é\u0660\ufeff\x00"
    for at in range(len(text)):
        begin, rest = text[:at], text[at + 1 :]
        for letter in rng.sample(letters, size(1, 20)):
            assert is_refused_or_the_same(begin + letter + rest, document), (at, letter)
        assert is_refused_or_the_same(begin + rest, document), at
    for at in rng.sample(range(len(text)), size(100, len(text))):
        assert is_refused_or_the_same(text[:at] + rng.choice(letters) + text[at:], document), at
        assert is_refused_or_the_same(text[:at], document), at


def test_a_digit_altered_by_hand_is_refused_as_altered_and_what_is_in_force_stays() -> None:
    text = to_text(made())
    for digits, others in (("-2.425e-05", "-2.426e-05"), ("1.96114", "1.96115"), ("2028-03-27", "2029-03-27")):
        assert digits in text
        with pytest.raises(AlteredError, match=r"hash does not fit.*The calibration in force stays in force"):
            from_text(text.replace(digits, others))


def test_other_white_space_and_another_order_are_the_same_document() -> None:
    document = made()
    tree = json.loads(to_text(document))
    assert from_text(json.dumps(tree)) == document
    assert from_text("\ufeff" + json.dumps(dict(reversed(tree.items())), indent=8)) == document
    assert from_text(to_text(document).replace("\n", "\r\n")) == document


def test_a_content_that_is_altered_or_not_canonical_is_refused() -> None:
    kept = content(made())
    with pytest.raises(AlteredError):
        from_content(kept + b" ")
    with pytest.raises(AlteredError):
        from_content(kept.replace(b":50,", b":50.0,"))
    with pytest.raises(DocumentError):
        from_content(kept[:-1])
    with pytest.raises(DocumentError, match="no text"):
        from_content(b"\xff\xfe")
    with pytest.raises(DocumentError):
        from_content(b"")


def test_a_newer_schema_asks_for_an_update_whatever_else_has_changed() -> None:
    for text in (resealed({**plain(made()), "schema": 2}), '{"schema": 2, "other": []}', '{"schema": 99}'):
        with pytest.raises(NewerSchemaError, match="Update the toolkit"):
            from_text(text)
    with pytest.raises(NewerSchemaError):
        from_content(b'{"schema":2}')


def test_a_file_longer_than_a_tool_keeps_is_refused() -> None:
    tree = plain(made())
    tree["points"]["rows"] *= 50
    with pytest.raises(DocumentError, match="one has up to 15000"):
        from_text(resealed(tree))


def places(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to everything in a tree."""
    inside = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inside:
        yield (*path, key)
        yield from places(value, (*path, key))


def at_place(tree: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


# One of everything, so that each place is tried once.
SMALL = made(
    points=(taken(1, 90.0, True, 0, 0, note="n", temperature_c=20.5),),
    uncertainty=(replace(budget(2.0), rows=(("reference", "weights", 0.1),)),),
    compensation=Compensation(0.1, 0.2, 20.0),
)
PLACES = list(places(plain(SMALL)))
SHIPPED = jsonschema.Draft202012Validator(
    json.loads(resources.files("iastm_calibration").joinpath("calibration-1.schema.json").read_text(encoding="utf-8"))
)


def name_of(path: tuple[str | int, ...]) -> str:
    """Return the name that words about a place must hold."""
    if path[:2] == ("points", "rows") and len(path) == 4:
        column: str = plain(SMALL)["points"]["columns"][path[3]]
        return column.removesuffix("_s")
    key = next(key for key in reversed(path) if isinstance(key, str))
    return "row" if key == "rows" else key


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_everything_that_is_missing_or_of_another_type_is_refused_and_named(path: tuple[str | int, ...]) -> None:
    wrongs: list[Any] = [True, {}, [[[]]], " ", -1e300]
    for wrong in wrongs:
        tree = plain(SMALL)
        at_place(tree, path[:-1])[path[-1]] = wrong
        with pytest.raises(CalibrationError, match=rf"{name_of(path)}.*stays in force"):
            from_text(resealed(tree))
        assert not SHIPPED.is_valid(json.loads(resealed(tree)))
    if isinstance(path[-1], str):
        tree = plain(SMALL)
        del at_place(tree, path[:-1])[path[-1]]
        with pytest.raises(DocumentError, match=rf"lacks {path[-1]}|names no schema"):
            from_text(resealed(tree))
        assert not SHIPPED.is_valid(json.loads(resealed(tree)))


@pytest.mark.parametrize("path", [(), *(path for path in PLACES if isinstance(at_place(plain(SMALL), path), dict))])
def test_a_field_that_the_schema_does_not_have_is_refused_and_named(path: tuple[str | int, ...]) -> None:
    tree = plain(SMALL)
    at_place(tree, path)["colour"] = "red"
    with pytest.raises(DocumentError, match="'colour', which its schema doesn't have"):
        from_text(resealed(tree))
    assert not SHIPPED.is_valid(json.loads(resealed(tree)))


@given(
    st.sampled_from(PLACES),
    st.integers(-20, 20) | st.floats(-1e9, 1e9) | st.none() | st.text(max_size=300) | st.just(0),
)
def test_the_shipped_schema_refuses_nothing_that_is_read(path: tuple[str | int, ...], value: Any) -> None:
    tree = plain(SMALL)
    at_place(tree, path[:-1])[path[-1]] = value
    text = resealed(tree)
    try:
        from_text(text)
    except CalibrationError:
        return
    SHIPPED.validate(json.loads(text))


@pytest.mark.parametrize(
    ("path", "value", "error", "words"),
    [
        (("calibration_id",), "", DocumentError, "calibration_id: is empty"),
        (("calibration_id",), "a" * 25, DocumentError, "25 characters; up to 24"),
        (("calibration_id",), "µ", DocumentError, "only ASCII"),
        (("method",), "slow", DocumentError, "'slow', not one of quick, full, file"),
        (("made_at",), "2027-03-27T10:15:00", DocumentError, "not a moment"),
        (("made_at",), "2027-02-30T10:15:00+01:00", DocumentError, "not a moment"),
        (("made_at",), "2027-03-27T10:15:00.5+01:00", DocumentError, "not a moment"),
        (("made_at",), "2027-03-27T10:15:00-00:00", DocumentError, "not written as this toolkit writes"),
        (("expires_on",), "20280327", DocumentError, "not a day"),
        (("expires_on",), "2028-02-30", DocumentError, "not a day"),
        (("expires_on",), "2027-03-26", DocumentError, "before it was made"),
        (("schema",), 0, DocumentError, "names no schema"),
        (("tool", "capacity_n"), 0, DocumentError, "above 0"),
        (("tool", "capacity_n"), 1, BeyondCapacityError, "Point 2 is a load of 1.96114; the cell is made for 1"),
        (("tool", "serial_number"), "", DocumentError, "serial_number: is empty"),
        (("tool", "name"), "two  spaces", DocumentError, "spaces in a row"),
        (("reference", "gravity_m_s2"), 98.07, DocumentError, "must lie from 9.7 to 9.9"),
        (("reference", "gravity_m_s2"), None, DocumentError, "uncertainty of a gravity"),
        (("tip", "area_cm2"), None, DocumentError, "uncertainty of an area"),
        (("tip", "weight_n"), None, DocumentError, "uncertainty of a weight"),
        (("curve", "coefficients"), [1, -1e-5], DocumentError, "not 0 N at zero"),
        (("curve", "coefficients"), [0, 0, 1e-12], DocumentError, "no slope at zero"),
        (("curve", "coefficients"), [0], DocumentError, "1 entries; it must have 2 to 6"),
        (("curve", "coefficients"), [0, -2e-5, 1e-12], NotMonotoneError, "turns at 10000000 counts"),
        (("curve", "low_n"), 5.88342, DocumentError, "no range"),
        (("uncertainty", "force_n"), [2, 2, 6], DocumentError, "not stated at rising forces"),
        (("uncertainty", "force_n"), [2, 6], DocumentError, "3 entries; it must have 2"),
        (("uncertainty", "rows", 0, 2), [0.1, 0.2], DocumentError, "2 entries; it must have 3"),
        (("uncertainty", "coverage_factor", 0), 0.5, DocumentError, "from 1 to 1000"),
        (("points", "rows"), [], DocumentError, "0 entries; it must have 1 to 1000"),
        (("points", "from"), None, DocumentError, "counts seconds from a moment"),
        (("points", "from"), "9999-12-31T23:59:59+00:00", DocumentError, "after the last year"),
        (("points", "columns", 0), "walk", DocumentError, "other columns than run"),
        (("points", "rows", 0, 5), 1.0, DocumentError, "row 1: is a zero with a load"),
        (("points", "rows", 1, 5), 1.1234567, DocumentError, "not written as this toolkit writes"),
        (("points", "rows", 1, 8), 0, DocumentError, "row 2, samples: is 0; it must lie from 1"),
        (("points", "rows", 1, 8), 1.5, DocumentError, "not a whole number"),
        (("points", "rows", 1, 9), 9 * 10**8, DocumentError, "taken_at: is 900000000"),
        (("points", "rows", 1, 0), 0, DocumentError, "row 2, run: is 0"),
        (("points", "rows", 1, 2), 2, DocumentError, "not 1 or 0"),
        (("points", "rows", 1), [1, 90], DocumentError, "2 entries; it must have 10 to 12"),
        (("figures", "e74_class"), "", DocumentError, "e74_class: is empty"),
        (("figures", "angle_errors", 0), [60], DocumentError, "1 entries; it must have 2"),
        (("notes", 0), 1, DocumentError, "notes 1: is 1, not a text"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_its_place(
    path: tuple[str | int, ...], value: Any, error: type[CalibrationError], words: str
) -> None:
    tree = plain(made())
    at_place(tree, path[:-1])[path[-1]] = value
    with pytest.raises(error, match=words):
        from_text(resealed(tree))
    with pytest.raises(error, match=words):
        from_content(canonical(tree))


def changed(value: Any, **changes: Any) -> Any:
    return replace(value, **changes)


def test_points_without_any_load_are_no_calibration() -> None:
    with pytest.raises(DocumentError, match="all without a load"):
        content(made(points=(taken(1, 90.0, True, -1, 0),)))


@pytest.mark.parametrize(
    "changes",
    [
        {"curve": Curve((0.0, math.nan), 1.0, 2.0, 0.1, 1)},
        {"curve": Curve((0.0, 1e-5), 1.0, math.inf, 0.1, 1)},
        {"points": (replace(taken(1, 90.0, True, 0, 0), counts=math.nan),)},
        {"points": (replace(taken(1, 90.0, True, 0, 0), taken_at="yesterday"),)},
        {"points": (replace(taken(1, 90.0, True, 0, 0), taken_at="2027-03-27T09:30:00"),)},
        {"points": (taken(1, 90.0, True, 0, 0), changed(taken(1, 90.0, True, 0, 0), samples=2.5))},
        {"points": ("point",)},
        {"uncertainty": ("budget",)},
        {"uncertainty": (changed(budget(1.0), rows=(("a", "b"),)),)},
        {"uncertainty": (changed(budget(1.0), unknown="temperature"),)},
        {"tool": "SIM-0001"},
        {"made_by": None},
        {"calibration_id": "12345678901234567890 12345"},
        {"expires_on": "soon"},
        {"schema": 2},
        {"schema": True},
    ],
    ids=str,
)
def test_a_document_that_could_not_be_read_again_is_not_written(changes: dict[str, Any]) -> None:
    with pytest.raises(DocumentError):
        content(made(**changes))


def test_a_part_can_be_asked_about_before_there_is_a_document() -> None:
    for part in (TIP, WEIGHTS, TOOL):
        require_kept(part)
    with pytest.raises(DocumentError, match="Tip, name: is empty"):
        require_kept(replace(TIP, name=" "))
    with pytest.raises(DocumentError, match="uncertainty of an area"):
        require_kept(replace(TIP, area_cm2=None))
    with pytest.raises(DocumentError, match="Reference, tolerance: is nan"):
        require_kept(replace(WEIGHTS, tolerance=math.nan))


def test_the_schema_is_one_of_json_schema_2020_12_and_is_shipped_with_the_package() -> None:
    jsonschema.Draft202012Validator.check_schema(SHIPPED.schema)
    SHIPPED.validate(json.loads(to_text(made())))


# --- what it is asked -------------------------------------------------------------------------------------------------


def test_a_calibration_of_another_tool_is_refused_with_both_names() -> None:
    require_tool(made(), "SIM-0001")
    with pytest.raises(OtherToolError, match=r"made with the tool SIM-0001; the one here is SIM-0002.*stays in force"):
        require_tool(made(), "SIM-0002")


def test_a_calibration_holds_for_its_last_day_and_no_longer() -> None:
    assert not expired(made(), date(2028, 3, 27))
    assert expired(made(), date(2028, 3, 28))


def test_the_uncertainty_is_linear_between_the_forces_it_is_stated_at() -> None:
    document = made(uncertainty=(budget(2.0), budget(4.0), replace(budget(6.0), expanded_n=0.5)))
    assert expanded_n(document, 2.0) == pytest.approx(0.012, abs=1e-12)
    assert expanded_n(document, 3.0) == pytest.approx(0.013, abs=1e-12)
    assert expanded_n(document, 4.0) == pytest.approx(0.014, abs=1e-12)
    assert expanded_n(document, 5.0) == pytest.approx((0.014 + 0.5) / 2, abs=1e-12)
    assert expanded_n(document, 6.0) == 0.5


def test_beyond_the_range_by_up_to_a_hundredth_the_nearest_uncertainty_holds_and_then_none() -> None:
    document = made(uncertainty=(budget(2.0), budget(6.0)))
    assert expanded_n(document, 6.06) == 0.016
    assert expanded_n(document, 1.94) == 0.012
    for force_n in (6.061, 1.939, -3.0, math.inf, math.nan):
        with pytest.raises(RangeError, match="outside of 2 N to 6 N"):
            expanded_n(document, force_n)
    assert expanded_n(made(uncertainty=(budget(2.0),)), 2.0) == 0.012
