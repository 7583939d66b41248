from __future__ import annotations

import pytest
from PySide6.QtCore import QRect

from iastm_host.window.calibration.places import places_for

SIZES = [(1920, 1080), (2560, 1440), (1600, 900), (1280, 800), (1100, 600), (1099, 800), (800, 600), (800, 1280)]


@pytest.mark.parametrize(
    ("size", "kind"),
    [((1920, 1080), "wide"), ((1600, 900), "wide"), ((1280, 800), "compact"), ((1099, 800), "column")],
)
def test_the_width_decides_how_panels_stand(size: tuple[int, int], kind: str) -> None:
    assert places_for(*size).kind == kind


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_panels_never_overlap_and_stay_within_the_window(size: tuple[int, int]) -> None:
    places = places_for(*size)
    shown = (places.top, places.steps, places.body, places.actions)
    window = QRect(0, 0, *size)
    for number, one in enumerate(shown):
        assert window.contains(one)
        assert not any(one.intersects(other) for other in shown[number + 1 :])
    content = QRect(0, 0, places.body.width(), places.content_height)
    assert content.contains(places.task)
    assert content.contains(places.evidence)
    assert not places.task.intersects(places.evidence)


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 800), (1366, 700), (800, 1280)], ids=str)
def test_nothing_scrolls_where_there_is_room(size: tuple[int, int]) -> None:
    places = places_for(*size)
    assert places.content_height <= places.body.height()


def test_a_narrow_window_scrolls_to_the_evidence_and_shows_the_task_whole() -> None:
    places = places_for(800, 600)
    assert places.task.height() <= places.body.height() < places.content_height
    assert places.evidence.top() > places.task.bottom()


def test_the_reference_size_is_as_drawn() -> None:
    places = places_for(1280, 800)
    assert (places.steps.left(), places.steps.width()) == (16, 208)
    assert places.task.translated(places.body.topLeft()).left() == 236
    assert (places.task.width(), places.evidence.width()) == (640, 376)
    assert places.evidence.translated(places.body.topLeft()).right() + 1 == 1264
