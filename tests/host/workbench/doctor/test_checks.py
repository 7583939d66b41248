from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from tests.host.workbench.doctor.computer import PICO, Computer

from iastm_host.events import Problem
from iastm_host.transports.ports import Holder
from iastm_host.workbench.doctor.checks import OF_COMPUTER, OF_TOOL, OF_USER, Check, examine
from iastm_host.workbench.doctor.finding import Bears, Report, Seen, advice, bad, good
from iastm_host.workbench.doctor.qt import TRACE
from iastm_host.workbench.doctor.system import Login, System

Make = Callable[..., Computer]
NOBODY = Login("anna", False, frozenset({"anna"}), frozenset({"anna"}), frozenset({"anna", "dialout", "root"}))


def needed(report: Report) -> set[str]:
    return {looked.finding.name for looked in report.looked if report.is_needed(looked)}


def test_names_of_findings_are_told_apart() -> None:
    names = [check.name for check in (*OF_COMPUTER, *OF_USER, *OF_TOOL)]
    assert len(set(names)) == len(names)


def test_a_bare_computer_is_told_all_that_it_lacks_and_works_by_cable(computer: Make) -> None:
    report = examine(computer().system(), (*OF_COMPUTER, *OF_USER))
    assert report.works()
    assert report.verdict() == "The main job, a live view of a tool that warns, works here, as text, by cable only."
    failing = {looked.finding.name for looked in report.looked if not looked.finding.ok}
    assert {"Qt libraries", "fonts", "sound", "Bluetooth adapter", "Bluetooth service", "MicroPython"} <= failing


def test_a_bare_computer_with_a_display_lacks_its_window(computer: Make) -> None:
    report = examine(computer(environ={"DISPLAY": ":0"}).system(), OF_COMPUTER)
    assert needed(report) == {"Qt libraries", "fonts", "display"}


def test_a_computer_without_rights_and_without_bluetooth_reaches_no_tool(computer: Make) -> None:
    report = examine(computer(login=NOBODY).system(), OF_COMPUTER)
    assert needed(report) == {"serial rights", "Bluetooth adapter", "Bluetooth service"}


def test_a_busy_port_keeps_the_only_tool_from_being_reached(computer: Make) -> None:
    here = computer(ports=[PICO], held={PICO.device: [Holder(7, "screen")]}, port=PICO.device)
    assert needed(examine(here.system(), OF_COMPUTER)) == {"ports in use"}


def test_every_finding_has_a_fix_where_it_fails_and_none_where_not(computer: Make) -> None:
    everything = (*OF_COMPUTER, *OF_USER, *OF_TOOL)
    for platform in ("linux", "darwin", "win32"):
        here = computer(platform=platform, login=NOBODY, keyring=None, said=Problem("It is off.", "Switch it on."))
        here.versions.clear()
        for looked in examine(here.system(), everything).looked:
            assert bool(looked.finding.fix) is not looked.finding.ok, looked
            assert looked.finding.detail, looked


def test_checks_never_change_or_ask_for_more_than_they_may(computer: Make) -> None:
    """What is run only asks: no program of this list changes anything with these words."""
    readers = {"busctl", "dbus-send", "wpctl", "pactl", "system_profiler", "ioreg", "fdesetup", "powershell", "sc"}
    for platform in ("linux", "darwin", "win32"):
        here = computer(platform=platform)
        examine(here.system(), (*OF_COMPUTER, *OF_USER))
        for command in here.asked:
            assert command[0] in readers | {"osascript", "micropython"} or command[:2] == TRACE, command
            assert not {"set", "set-mute", "enable", "start", "StartDiscovery"} & set(command), command


def raising(error: Exception) -> Callable[[System], Seen]:
    def look(_system: System) -> Seen:
        raise error

    return look


def test_a_check_that_fails_is_a_finding_and_no_traceback(computer: Make) -> None:
    report = examine(computer().system(), [Check("broken", Bears.NOTHING, raising(TypeError("of no use")))])
    (looked,) = report.looked
    assert looked.finding.ok is False
    assert looked.finding.detail == "could not be looked at: TypeError: of no use"
    assert "Report it" in looked.finding.fix


def test_a_check_that_needs_a_missing_package_says_which(computer: Make) -> None:
    error = ModuleNotFoundError("No module named 'numpy'", name="numpy")
    (looked,) = examine(computer().system(), [Check("ports", Bears.CABLE, raising(error))]).looked
    assert looked.finding.detail == "could not be looked at without the package numpy"
    assert "packages first" in looked.finding.fix


def test_a_problem_in_a_check_is_told_in_its_own_words(computer: Make) -> None:
    problem = Problem("The settings file can't be read: line 3.", "Mend it.")
    (looked,) = examine(computer().system(), [Check("settings", Bears.ALWAYS, raising(problem))]).looked
    assert (looked.finding.detail, looked.finding.fix) == ("The settings file can't be read: line 3", "Mend it.")
    assert looked.bears is Bears.ALWAYS


def test_settings_that_can_not_be_read_are_told_once(computer: Make) -> None:
    refused = Problem("The settings file x can't be read: line 1.", "Mend it, or move it away.")
    report = examine(computer(settings_refused=refused).system(), OF_USER)
    assert needed(report) == {"settings"}
    told = [looked.finding for looked in report.looked if "line 1" in looked.finding.detail]
    assert [(each.name, each.fix) for each in told] == [("settings", "Mend it, or move it away.")]


def test_a_check_that_does_not_end_is_left_behind_and_told(computer: Make) -> None:
    for_ever = threading.Event()

    def hang(_system: System) -> Seen:
        for_ever.wait()
        return good("")

    checks = [
        Check("hangs", Bears.ALWAYS, hang, patience_s=0.05),
        Check("well", Bears.NOTHING, lambda _system: good("x")),
    ]
    report = examine(computer().system(), checks)
    for_ever.set()
    assert [looked.finding.ok for looked in report.looked] == [False, True]
    assert "no answer within 0.05 s" in report.looked[0].finding.detail
    assert not report.works()


@pytest.mark.parametrize(("seen", "works"), [(bad("x", "y"), False), (advice("x", "y"), True), (good("x"), True)])
def test_a_check_may_say_that_what_it_saw_is_advice_alone(computer: Make, seen: Seen, works: bool) -> None:
    assert examine(computer().system(), [Check("a", Bears.ALWAYS, lambda _system: seen)]).works() is works
