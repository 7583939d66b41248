"""Drawings, axes and SVG."""

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.reports.axes import Plane, grown, places_for, round_steps
from iastm_host.reports.certificate_graphs import force_graph, residual_graph, shape_of
from iastm_host.reports.drawing import SHAPES, Area, Drawing, Label, Mark, Path, outline
from iastm_host.reports.palette import DARK, LIGHT
from iastm_host.reports.points import graph_points
from iastm_host.reports.svg import to_svg


def marks(drawing, radius=None):
    return [item for item in drawing.items if isinstance(item, Mark) and (radius is None or item.radius == radius)]


def labels(drawing):
    return [item.text for item in drawing.items if isinstance(item, Label)]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 10))
def test_steps_are_round_lie_inside_and_are_not_too_many(low, width, most):
    high = low + width
    steps = round_steps(low, high, most)
    assert len(steps) <= most + 2
    slack = 1e-6 * width
    assert all(low - slack <= step <= high + slack for step in steps)
    if len(steps) > 1:
        step = (steps[-1] - steps[0]) / (len(steps) - 1)
        assert min(abs(step / 10 ** math.floor(math.log10(step) + 1e-6) - round_one) for round_one in (1, 2, 5)) < 1e-3


def test_steps_of_tenths_are_written_short():
    assert round_steps(0, 0.5, 5) == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    assert round_steps(2.0, 2.0, 5) == (2.0,)


@pytest.mark.parametrize(("steps", "places"), [((0, 5, 10), 0), ((0, 0.5), 1), ((0, 0.02), 2), ((1,), 1), ((0, 20), 0)])
def test_steps_have_as_many_decimals_as_tell_them_apart(steps, places):
    assert places_for(steps) == places


def test_a_plane_puts_its_corners_at_its_corners_and_grows_upwards():
    plane = Plane(10, 20, 100, 50, -1, 1, 0, 5)
    assert plane.at(-1, 0) == (10, 70)
    assert plane.at(1, 5) == (110, 20)


def test_a_span_without_width_grows_to_the_least():
    low, high = grown(3.0, 3.0, 0.1, 2.0)
    assert high - low == pytest.approx(2.4)
    assert (high + low) / 2 == pytest.approx(3.0)


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_every_shape_covers_the_area_of_the_circle(shape):
    corners = outline(Mark(3, 4, shape, radius=2.0))
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, (*corners[1:], corners[0]), strict=True)) / 2
    assert abs(area) == pytest.approx(math.pi * 4, rel=1e-9)


def test_a_lone_svg_is_a_document_with_its_ground_and_both_palettes():
    drawing = Drawing(
        "n", "A <title>", "says & means", 100, 50, (Label(1, 2, "a<b", turned=True), Path(((0, 0), (1, 1))))
    )
    svg = to_svg(drawing, alone=True)
    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "A <title>"
    assert root.findtext("{http://www.w3.org/2000/svg}desc") == "says & means"
    assert root.findtext("{http://www.w3.org/2000/svg}text") == "a<b"
    assert LIGHT["paper"] in svg
    assert f"prefers-color-scheme:dark){{svg{{--ink:{DARK['ink']}" in svg


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_text_and_marks_stand_out_from_paper_and_band(colours):
    def luminance(colour):
        channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one, other):
        high, low = sorted((luminance(one), luminance(other)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for role in ("ink", "text", "faint", "alarm"):
        assert contrast(colours[role], colours["paper"]) >= 4.5
    assert contrast(colours["ink"], colours["band"]) >= 7


@pytest.mark.parametrize("full", [False, True])
def test_both_graphs_show_every_load_once(document, full):
    found = document(full=full)
    loads = sum(point.step >= 0 for point in found.points)
    assert len(marks(force_graph(found))) == loads
    assert len(marks(residual_graph(found), radius=2.9)) == loads == len(graph_points(found))


def test_each_run_and_direction_is_told_apart_without_colour(document):
    drawing = residual_graph(document(full=True))
    looks = {(mark.shape, mark.filled) for mark in marks(drawing, radius=2.9)}
    assert len(looks) == 6
    assert {mark.role for mark in marks(drawing)} == {"ink"}
    assert {"run 1", "run 2", "run 3", "filled: loading", "hollow: unloading"} <= set(labels(drawing))


def test_each_angle_has_a_plane_of_its_own(document):
    texts = labels(residual_graph(document(full=True)))
    assert [text for text in texts if text.startswith("at ")] == ["at 90°", "at 60°", "at 45°"]


def test_points_at_one_load_do_not_hide_one_another(document):
    drawing = residual_graph(document(full=True))
    places = [(round(mark.x, 2), round(mark.y, 2)) for mark in marks(drawing, radius=2.9)]
    assert len(set(places)) == len(places)


def band_of(drawing):
    area = max((item for item in drawing.items if isinstance(item, Area)), key=lambda area: len(area.points))
    half = len(area.points) // 2
    return area.points[:half], tuple(reversed(area.points[half:]))


def test_the_band_is_the_stated_uncertainty(document):
    above, below = band_of(residual_graph(document(notes={5: "far off"})))
    widths = [low - high for (_, high), (_, low) in zip(above, below, strict=True)]
    stated = [at.expanded_n for at in document().uncertainty]
    assert widths[0] / widths[-1] == pytest.approx(stated[0] / stated[-1])


def test_a_band_much_wider_than_the_points_does_not_bury_them_and_says_so(document):
    drawing = residual_graph(document())
    largest = max(abs(point.residual_mn) for point in graph_points(document()))
    assert max(at.expanded_n for at in document().uncertainty) * 1000 > 4 * largest
    ys = [mark.y for mark in marks(drawing, radius=2.9)]
    above, below = band_of(drawing)
    assert (max(ys) - min(ys)) / (below[-1][1] - above[-1][1]) > 0.12
    assert "uncertainty, beyond this scale in part" in labels(drawing)
    assert "uncertainty of a force" in labels(residual_graph(document(notes={5: "far off"})))


def test_from_the_seventh_run_on_points_carry_their_number():
    runs = list(range(1, 9))
    assert len({shape_of(run, runs) for run in runs[:6]}) == 6
    assert shape_of(7, runs) == shape_of(1, runs)


def test_a_noted_point_is_ringed_and_named(document):
    for draw in (force_graph, residual_graph):
        plain, noted = draw(document()), draw(document(notes={5: "touched"}))
        assert "point 5, noted" in labels(noted)
        assert "point 5, noted" not in labels(plain)
        assert [item for item in noted.items if isinstance(item, Path) and item.role == "alarm"]


def test_nothing_is_drawn_outside(document):
    for found in (document(), document(full=True, notes={17: "x"})):
        for drawing in (force_graph(found), residual_graph(found)):
            for mark in marks(drawing):
                assert 0 <= mark.x <= drawing.width
                assert 0 <= mark.y <= drawing.height
