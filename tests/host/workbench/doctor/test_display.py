from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.host.workbench.doctor.computer import Computer

from iastm_host.workbench.doctor import display

Make = Callable[..., Computer]


def test_without_a_display_the_text_view_is_shown_and_all_is_well(computer: Make) -> None:
    system = computer().system()
    assert not display.named(system)
    assert display.display(system).ok


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_than_on_linux_there_is_a_display(computer: Make, platform: str) -> None:
    system = computer(platform=platform).system()
    assert display.named(system)
    assert display.display(system).ok


@pytest.mark.parametrize("socket", ["/tmp/.X11-unix/X7", "\0/tmp/.X11-unix/X7"])
def test_a_display_that_takes_connections_is_well(computer: Make, socket: str) -> None:
    system = computer(environ={"DISPLAY": ":7.0"}, sockets={socket}).system()
    assert display.named(system)
    assert display.display(system).ok


def test_a_display_that_does_not_answer_is_told_with_both_ways_out(computer: Make) -> None:
    seen = display.display(computer(environ={"DISPLAY": ":7"}).system())
    assert not seen.ok
    assert "--headless" in seen.fix


def test_a_display_of_another_computer_is_not_tried(computer: Make) -> None:
    assert "not tried" in display.display(computer(environ={"DISPLAY": "localhost:10.0"}).system()).detail


def test_a_wayland_display_is_looked_for_in_its_folder(computer: Make) -> None:
    here = computer(environ={"WAYLAND_DISPLAY": "wayland-1", "XDG_RUNTIME_DIR": "/run/user/7"})
    assert not display.display(here.system()).ok
    here.sockets.add("/run/user/7/wayland-1")
    assert display.display(here.system()).ok


def test_a_platform_that_needs_no_display_is_well(computer: Make) -> None:
    assert display.display(computer(environ={"QT_QPA_PLATFORM": "offscreen"}).system()).ok


def test_a_platform_without_its_display_is_told(computer: Make) -> None:
    seen = display.display(computer(environ={"QT_QPA_PLATFORM": "xcb"}).system())
    assert (seen.ok, seen.fix) == (False, "unset QT_QPA_PLATFORM")
