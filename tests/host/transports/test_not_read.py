"""A host that stops reading for seconds: the tool's alert comes in time all the same, and nothing stays missing.

The real firmware under MicroPython, over a pseudo-terminal that fills up and over a radio that has no memory left.
Counts tell their index, so that the sample which decides is known beforehand.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import struct
import subprocess
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.host.transports.virtual_tool import PATIENCE_S, ROOT, Run, Tool, micropython, player

from iastm_protocol import kinds, messages
from iastm_protocol.frames import Decoder, encode

KEY = bytes(range(32))
# In 14 s the ring does not run over.
RATE_HZ = 140
RING_SAMPLES = 2048
# Reading ends this long before the sample that decides.
BEFORE = 400
BEFORE_ON_AIR = 900
# A millinewton is 42 counts. The second sample in a row above the limit decides.
WARN_MN = 30
LIMIT_COUNTS = WARN_MN * 42
LIMITS = messages.Limits("test", WARN_MN, 0, 10, 6).to_payload()
SETTINGS = {"rate_mhz": RATE_HZ * 1000, "ring_depth": RING_SAMPLES}
# The converter is read each 2 ms; what else the machine does is no matter of the tool's.
IN_TIME_US = 500_000


def assert_light_in_time(alerts: Path, told: list[Any], batches: list[Any]) -> None:
    """The light showed the warning as soon as its sample was there, whatever became of the link."""
    (alert,) = told
    assert alert.index - LIMIT_COUNTS in (1, 2)
    ((shown_us, kind),) = [map(int, line.split(",")) for line in alerts.read_text().splitlines()]
    assert kind == kinds.WARN
    batch = next(each for each in batches if each.first_index <= alert.index < each.first_index + each.sample_count)
    taken_us = batch.first_us + batch.span_us * (alert.index - batch.first_index) / max(1, batch.sample_count - 1)
    assert -1000 <= shown_us - taken_us <= IN_TIME_US


def missing_in(samples: dict[int, int]) -> list[int]:
    """Return the indices that are missing between the first sample and the last; all others are as they were played."""
    assert all(index == counts for index, counts in samples.items())
    return [index for index in range(min(samples), max(samples)) if index not in samples]


def stalled(told: list[Any]) -> bool:
    """Whether the tool says that its link took nothing."""
    events = [message for message in told if isinstance(message, messages.ToolEvent)]
    return any((event.kind, event.value) == (kinds.EVENT_FAULT, kinds.FAULT_LINK_STALLED) for event in events)


class PtyHost:
    """A host at a tool's pseudo-terminal that reads when it is asked to."""

    def __init__(self, folder: Path) -> None:
        (folder / "settings.json").write_text(json.dumps({**SETTINGS, "alerts_file": str(folder / "alerts")}))
        (folder / "rows").write_bytes(b"".join(struct.pack("<ii", i * 1000, i) for i in range(7000)))
        source = [str(ROOT / "firmware_micropython"), str(ROOT / "protocol")]
        environment = {**os.environ, "MICROPYPATH": ":".join([*source, ".frozen"]), "PYTHONPATH": ":".join(source)}
        master, self._fd = os.openpty()
        tty.setraw(self._fd)
        os.set_blocking(master, False)
        command = [*micropython(), "-m", "iastm_simulated", "--settings", "settings.json", "--rows", "rows"]
        self._process = subprocess.Popen(command, stdin=master, stdout=master, cwd=folder, env=environment)
        os.close(master)
        self._decoder = Decoder(kinds.MAX_LINK_PAYLOAD)
        self.batches: list[Any] = []
        self.messages: list[Any] = []

    def say(self, kind: int, message: Any) -> None:
        os.write(self._fd, encode(kind, 0, message.to_payload()))

    def read(self) -> None:
        """Take what is there, waiting for a moment."""
        if select.select([self._fd], [], [], 0.1)[0]:
            self._decoder.feed(os.read(self._fd, 4096))
        while (frame := self._decoder.next_frame()) is not None:
            message = messages.MESSAGES[frame.kind].from_payload(frame.payload)
            (self.batches if frame.kind == kinds.FORCE_SAMPLES else self.messages).append(message)

    def samples(self) -> dict[int, int]:
        return {batch.first_index + i: counts for batch in self.batches for i, counts in enumerate(batch.counts())}

    def until(self, enough: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not enough():
            assert time.monotonic() < deadline_s
            self.read()

    def heard(self, kind: type) -> bool:
        return any(isinstance(message, kind) for message in self.messages)

    def close(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(PATIENCE_S)
        os.close(self._fd)


@pytest.fixture
def pty_host(tmp_path: Path) -> Iterator[PtyHost]:
    host = PtyHost(tmp_path)
    yield host
    host.close()


def test_a_port_that_nobody_reads_delays_no_alert_and_costs_no_sample(
    pty_host: PtyHost, tmp_path: Path, size: Callable[[int, int], int]
) -> None:
    host = pty_host
    host.say(kinds.HELLO, messages.Hello(kinds.MAJOR, kinds.MINOR, "test", 1))
    host.until(lambda: host.heard(messages.HelloAnswer))
    host.say(kinds.COMMAND, messages.Command(1, kinds.SET_LIMITS, LIMITS))
    host.say(kinds.COMMAND, messages.Command(2, kinds.START_STREAM, b""))
    host.until(lambda: bool(host.batches) and host.batches[-1].first_index >= BEFORE)
    assert host.batches[-1].first_index < LIMIT_COUNTS
    assert not (tmp_path / "alerts").exists()
    # More than a pseudo-terminal of Linux has room for (64 KiB): writes are refused from then on.
    for _ in range(40):
        host.say(kinds.FETCH, messages.Fetch(0, BEFORE))
        time.sleep(0.06)
    assert not (tmp_path / "alerts").exists()
    time.sleep(size(5, 10))
    assert (tmp_path / "alerts").exists()
    host.say(kinds.PING, messages.Ping(1))
    host.until(lambda: host.heard(messages.Pong))
    missing = missing_in(host.samples())
    if missing:
        host.say(kinds.FETCH, messages.Fetch(missing[0], missing[-1] - missing[0] + 1))
    host.until(lambda: not missing_in(host.samples()) and max(host.samples()) > LIMIT_COUNTS + 2)
    told = [message for message in host.messages if isinstance(message, messages.AlertReport)]
    assert_light_in_time(tmp_path / "alerts", told, host.batches)
    host.until(lambda: stalled(host.messages))
    # What only filled the port may have left the ring in between.
    gone = [message for message in host.messages if isinstance(message, messages.Gone)]
    assert [message for message in gone if message.first_index >= BEFORE] == []


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return player(micropython(), tmp_path)


def test_a_host_on_the_air_that_takes_nothing_delays_no_alert_and_costs_no_sample(
    run: Run, tmp_path: Path, size: Callable[[int, int], int]
) -> None:
    async def story(tool: Tool) -> None:
        host = await tool.connect()
        await host.hello()
        await host.connection.pair()
        assert (await host.give(host.signed(KEY, kinds.SET_LIMITS, LIMITS))).error == kinds.OK
        await host.ask(kinds.START_STREAM)
        await host.until_samples(1)
        await host.send(kinds.ACK, messages.Ack(host.samples()[-1][0] + 1, 0))
        while host.samples()[-1][0] < BEFORE_ON_AIR:
            await host.until_samples(len(host.samples()) + 1)
            await host.send(kinds.ACK, messages.Ack(host.samples()[-1][0] + 1, 0))
        assert host.samples()[-1][0] < LIMIT_COUNTS
        assert not (tmp_path / "alerts").exists()
        tool.peripheral.refuse(0xFFFF)
        known = len(host.samples())
        await asyncio.sleep(size(5, 10))
        assert (tmp_path / "alerts").exists()
        # Nothing but what was on its way.
        assert len(host.samples()) - known <= 32 * 16
        tool.peripheral.refuse(0)
        deadline_s = asyncio.get_running_loop().time() + PATIENCE_S
        while missing_in(dict(host.samples())) or host.samples()[-1][0] <= LIMIT_COUNTS:
            assert asyncio.get_running_loop().time() < deadline_s
            missing = missing_in(dict(host.samples()))
            if missing:
                await host.send(kinds.FETCH, messages.Fetch(missing[0], missing[-1] - missing[0] + 1))
            known = len(host.samples())
            await host.until_samples(known + 1)
            whole_until = missing[0] if missing else max(dict(host.samples())) + 1
            await host.send(kinds.ACK, messages.Ack(whole_until, 0))
        await host.until(lambda: bool(host.of(messages.AlertReport)))
        assert_light_in_time(tmp_path / "alerts", host.of(messages.AlertReport), host.of(messages.ForceSamples))
        await host.until(lambda: stalled(host.messages))
        assert host.of(messages.Gone) == []

    run(story, key=KEY.hex(), alerts_file=str(tmp_path / "alerts"), **SETTINGS)
