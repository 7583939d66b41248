from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from iastm_host.cli.display import check_display, display_there
from iastm_host.events import Problem

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has programs without a display")
QT = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
DESKTOP = {name: value for name, value in QT.items() if name != "QT_QPA_PLATFORM"}


def refused(environ: dict[str, str], **more: object) -> Problem:
    with pytest.raises(Problem) as raised:
        check_display(environ, **more)  # type: ignore[arg-type]
    assert "--headless" in raised.value.fix
    return raised.value


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"])
def test_a_display_is_there_where_the_environment_names_one(name: str) -> None:
    assert not display_there({}, "linux")
    assert not display_there({name: ""}, "linux")
    assert display_there({name: "x"}, "linux")
    assert display_there({}, "darwin")


def test_a_display_that_qt_can_open_is_no_problem() -> None:
    check_display({**QT, "QT_QPA_PLATFORM": "offscreen"})


def test_a_display_that_is_not_there_is_named() -> None:
    problem = refused({**DESKTOP, "DISPLAY": ":9473"})
    assert problem.what == "The display :9473 can't be opened."
    assert problem.fix == "Check DISPLAY, or add --headless."


def test_a_platform_that_qt_does_not_have_is_named() -> None:
    assert "QT_QPA_PLATFORM=nonsense" in refused({**QT, "QT_QPA_PLATFORM": "nonsense"}).what


def test_a_wayland_display_that_is_not_there_is_named() -> None:
    no_wayland = "import sys; sys.exit('qt.qpa.xcb: could not connect to display')"
    problem = refused({**DESKTOP, "WAYLAND_DISPLAY": "wayland-7"}, probe=no_wayland)
    assert problem.what == "The display wayland-7 can't be opened."
    assert "WAYLAND_DISPLAY" in problem.fix


@pytest.mark.parametrize("library", ["libEGL.so.1", "libxcb-cursor.so.0"])
def test_a_library_that_qt_lacks_is_named_with_what_installs_it(tmp_path: Path, library: str) -> None:
    # An empty file of that name, found first, is as good as none.
    (tmp_path / library).touch()
    problem = refused({**DESKTOP, "DISPLAY": ":9473", "LD_LIBRARY_PATH": str(tmp_path)})
    assert library in problem.what
    assert "make setup" in problem.fix


def test_a_display_that_does_not_answer_is_given_up() -> None:
    problem = refused({**DESKTOP, "DISPLAY": ":9473"}, probe="import time; time.sleep(600)", timeout_s=0.2)
    assert "does not answer" in problem.what
