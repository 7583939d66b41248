"""The answer of a board that restarted, judged over a simulated tool: the firmware itself, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import pty
import struct
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from iastm_firmware import releases
from iastm_host.events import Chunk
from iastm_host.transports.base import LOST, Transport, TransportError
from iastm_host.transports.runtime import find_runtime
from iastm_host.transports.serial import SerialTransport
from iastm_host.transports.simulator import SimulatedTool
from iastm_host.workbench.confirm import CONFIRMED_S, confirm_release
from iastm_host.workbench.deploy import ANOTHER, RUNS, SILENT, Verdict
from iastm_protocol import kinds
from iastm_protocol.frames import Decoder

DIGEST = "00112233445566aa"


def clock_us() -> int:
    return time.monotonic_ns() // 1000


@contextmanager
def tool(digest: str = DIGEST, **more: object) -> Iterator[str]:
    settings: dict[str, object] = {"serial_number": "SIM-1", "rate_mhz": 80_000, "source_hash": digest, **more}
    made = SimulatedTool(find_runtime(os.environ), lambda n: struct.pack("<ii", 0, 0) * n, settings)
    made.start()
    try:
        yield made.port
    finally:
        made.stop()


def verdict_on(link: Callable[[], Transport], within_s: float = 30.0, confirmed_s: int = 2) -> Verdict:
    return asyncio.run(confirm_release(link, "test", DIGEST, clock_us, within_s=within_s, confirmed_s=confirmed_s))


class Watched(SerialTransport):
    """A link that keeps what was sent, and breaks after so many reads."""

    def __init__(self, port: str, reads: int | None = None) -> None:
        super().__init__(port, clock_us)
        self.sent = b""
        self._reads = reads

    async def read(self) -> Chunk:
        if self._reads is not None:
            self._reads -= 1
            if self._reads < 0:
                raise TransportError(LOST, "The link is gone.", "Check the cable.")
        return await super().read()

    async def write(self, data: bytes, *, privileged: bool = False) -> None:
        self.sent += data
        await super().write(data, privileged=privileged)


def test_the_firmware_that_was_deployed_runs_once_it_stayed_up() -> None:
    with tool() as port:
        began_s = time.monotonic()
        assert verdict_on(lambda: SerialTransport(port, clock_us)) == Verdict(RUNS, "")
        assert time.monotonic() - began_s > 0.9


def test_the_tool_is_left_without_a_stream() -> None:
    with tool() as port:
        link = Watched(port)
        assert verdict_on(lambda: link).state == RUNS
    decoder = Decoder(4096)
    decoder.feed(link.sent)
    frames = []
    while (frame := decoder.next_frame()) is not None:
        frames.append((frame.kind, bytes(frame.payload)))
    kind, payload = frames[-1]
    assert kind == kinds.COMMAND
    assert payload[2] == kinds.STOP_STREAM


def test_of_a_tool_that_can_not_write_it_is_told_that_it_may_go_back(tmp_path: Path) -> None:
    with tool(store=str(tmp_path / "no folder")) as port:
        verdict = verdict_on(lambda: SerialTransport(port, clock_us))
    assert verdict.state == RUNS
    assert "it may go back to the one before" in verdict.words


def test_other_firmware_that_answers_is_told_at_once() -> None:
    with tool("ffffffffffffffff") as port:
        verdict = verdict_on(lambda: SerialTransport(port, clock_us), confirmed_s=60)
    assert verdict.state == ANOTHER
    assert "other firmware" in verdict.words


def test_a_port_that_does_not_come_back_is_told(tmp_path: Path) -> None:
    verdict = verdict_on(lambda: SerialTransport(str(tmp_path / "none"), clock_us), within_s=0.8)
    assert verdict.state == SILENT
    assert "There is no port" in verdict.words


def test_a_port_that_comes_back_late_is_waited_for(tmp_path: Path) -> None:
    link = tmp_path / "port"
    tries = 0

    def again() -> Transport:
        nonlocal tries
        tries += 1
        if tries == 3:
            link.symlink_to(port)
        return SerialTransport(str(link), clock_us)

    with tool() as port:
        assert verdict_on(again).state == RUNS
    assert tries == 3


def test_a_silent_port_is_told() -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    try:
        verdict = verdict_on(lambda: SerialTransport(os.ttyname(slave), clock_us), within_s=0.8)
    finally:
        os.close(master)
        os.close(slave)
    assert verdict.state == SILENT
    assert "No tool answered within 0.8 s" in verdict.words


def test_firmware_that_answers_and_goes_away_again_did_not_stay_up() -> None:
    with tool() as port:
        verdict = verdict_on(lambda: Watched(port, reads=12), within_s=2.0, confirmed_s=600)
    assert verdict.state == SILENT
    assert "did not stay up" in verdict.words


def test_firmware_that_restarts_again_and_again_is_told_so() -> None:
    tries: list[str] = []
    with tool() as one, tool() as two:

        def link() -> Transport:
            tries.append(one if len(tries) % 2 else two)
            return Watched(tries[-1], reads=12)

        verdict = verdict_on(link, within_s=2.5, confirmed_s=600)
    assert verdict.state == SILENT
    assert "restarted" in verdict.words


def test_the_tool_has_confirmed_its_release_before_the_host_takes_it_for_good() -> None:
    # Its uptime, in whole seconds, begins before its loop does.
    assert CONFIRMED_S >= releases.LATEST_S + 3


@pytest.mark.parametrize("within_s", [0.0])
def test_without_time_nothing_is_asked(within_s: float) -> None:
    def link() -> Transport:
        raise AssertionError("asked")

    assert verdict_on(link, within_s=within_s).state == SILENT
