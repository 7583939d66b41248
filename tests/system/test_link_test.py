"""`iastm link-test` as its users start it: a good link, a bad one, one that there is not."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

RATE_HZ = 320

Iastm = Callable[..., Any]
Started = Callable[..., subprocess.Popen[str]]

NUMBER = (int, float)
UNKNOWN = type(None)
SCHEMA: dict[str, Any] = {
    "verdict": str,
    "findings": list,
    "tool": dict,
    "measured_s": float,
    "ended_early": (str, UNKNOWN),
    "rate_stated_hz": NUMBER,
    "rate_measured_hz": (*NUMBER, UNKNOWN),
    "expected_samples": int,
    "lost_before_backfill_samples": int,
    "lost_before_backfill_permille": (*NUMBER, UNKNOWN),
    "lost_after_backfill_samples": int,
    "lost_after_backfill_permille": (*NUMBER, UNKNOWN),
    "missed_conversions": int,
    "damaged_frames": int,
    "unreadable_frames": int,
    "round_trips": int,
    "round_trip_median_ms": (*NUMBER, UNKNOWN),
    "round_trip_p95_ms": (*NUMBER, UNKNOWN),
    "round_trip_max_ms": (*NUMBER, UNKNOWN),
    "pings_unanswered": int,
    "jitter_p95_ms": (*NUMBER, UNKNOWN),
    "clock_drift_ppm": (*NUMBER, UNKNOWN),
    "clock_drift_uncertainty_ppm": (*NUMBER, UNKNOWN),
    "longest_gap_ms": NUMBER,
    "reconnects": int,
    "restarts": int,
    "faults": list,
    "battery_percent": (int, UNKNOWN),
}


class FlippingLink:
    """Carries bytes between a tool's pseudo-terminal and one TCP client, and flips a bit in each n-th of the tool's.

    The greeting passes whole, because what is tested is a stream; so does what comes late, to be fetched soon.
    """

    SPOILT = range(2_000, 9_000)

    def __init__(self, port: str, every: int) -> None:
        self._every = every
        self._carried = 0
        self._tool = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._client: socket.socket | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join(10)
        self._listener.close()
        os.close(self._tool)

    def _run(self) -> None:
        while not self._stopping.is_set():
            watched: list[Any] = [self._tool, self._client or self._listener]
            for ready in select.select(watched, [], [], 0.05)[0]:
                if ready is self._listener:
                    self._client, _ = self._listener.accept()
                    self._carried = 0
                elif ready is self._tool:
                    self._to_client(self._spoilt(os.read(self._tool, 4096)))
                elif ready is self._client:
                    self._from_client()
        self._hang_up()

    def _to_client(self, data: bytes) -> None:
        if self._client is None:
            return
        try:
            self._client.sendall(data)
        except OSError:
            self._hang_up()

    def _from_client(self) -> None:
        if self._client is None:
            return
        try:
            data = self._client.recv(4096)
        except OSError:
            # One that ends with bytes unread resets the connection.
            data = b""
        if data:
            os.write(self._tool, data)
        else:
            self._hang_up()

    def _hang_up(self) -> None:
        """Let the client go, if there is one; the next one is taken."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _spoilt(self, data: bytes) -> bytes:
        spoilt = bytearray(data)
        for at in range(-self._carried % self._every, len(data), self._every):
            if self._carried + at in self.SPOILT:
                spoilt[at] ^= 0x10
        self._carried += len(data)
        return bytes(spoilt)


@pytest.fixture
def flipping() -> Iterator[Callable[[str, int], FlippingLink]]:
    links: list[FlippingLink] = []

    def make(port: str, every: int) -> FlippingLink:
        links.append(FlippingLink(port, every))
        return links[-1]

    yield make
    for link in links:
        link.close()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_simulated_tool_s_link_is_good(iastm: Iastm) -> None:
    ran = iastm("link-test", "--simulated", "--duration", "3", "--json")
    assert ran.code == 0, ran.err
    told = ran.json
    assert {name: type(value) for name, value in told.items() if not isinstance(value, SCHEMA[name])} == {}
    assert told.keys() == SCHEMA.keys()
    assert told["verdict"] == "good"
    assert [finding["verdict"] for finding in told["findings"]] == ["good"]
    assert told["tool"]["simulated"] is True
    assert 3 <= told["measured_s"] < 3.5
    assert told["rate_stated_hz"] == RATE_HZ
    assert told["rate_measured_hz"] == pytest.approx(RATE_HZ, rel=0.01)
    assert told["expected_samples"] == pytest.approx(told["measured_s"] * RATE_HZ, rel=0.1)
    assert told["lost_before_backfill_samples"] == told["lost_after_backfill_samples"] == 0
    assert told["damaged_frames"] == 0
    assert told["round_trips"] >= 10
    assert 0 < told["round_trip_median_ms"] <= told["round_trip_p95_ms"] <= told["round_trip_max_ms"]
    assert told["reconnects"] == 0
    assert told["battery_percent"] == 82


def test_in_words_the_verdict_comes_first_and_figures_have_units(iastm: Iastm) -> None:
    ran = iastm("link-test", "--simulated", "--duration", "1")
    assert ran.code == 0, ran.err
    first, *rest = ran.out.splitlines()
    assert re.fullmatch("good +Every sample came, and came the first time. *", first)
    said = {line[:14].strip(): line[14:].strip() for line in rest if line.strip()}
    assert re.fullmatch(r"0 of \d+ samples \(0.0 ‰\)", said["lost at first"])
    assert re.fullmatch(r"3[12]\d\.\d\d samples/s by the tool's clock; it states 320", said["rate"])
    assert said["round trip"].count(" ms") == 3
    assert said["longest gap"].endswith("ms between arrivals")
    assert said["clock drift"].startswith("too short to tell")


def test_over_a_link_that_flips_bits_what_was_lost_is_fetched_and_told(
    iastm: Iastm, started: Started, flipping: Callable[[str, int], FlippingLink]
) -> None:
    tool = started("simulate", "--seed", "3")
    link = flipping(first_line(tool), 1_000)
    ran = iastm("link-test", "--port", link.address, "--duration", "4", "--json")
    assert ran.code == 0, (ran.out, ran.err)
    told = ran.json
    assert told["lost_before_backfill_samples"] > 0
    assert told["lost_after_backfill_samples"] == 0
    assert told["damaged_frames"] > 0
    assert told["reconnects"] == 0
    assert told["verdict"] == "usable"
    assert "sent twice" in told["findings"][0]["what"]
    # The tool serves its next host as if nothing had been.
    again = iastm("run", "--port", link.address, "--duration", "1", "--json")
    assert again.code == 0, again.err


def test_a_link_that_is_bad_ends_with_exit_code_1_and_says_what_to_do(
    iastm: Iastm, started: Started, flipping: Callable[[str, int], FlippingLink]
) -> None:
    tool = started("simulate", "--seed", "4")
    link = flipping(first_line(tool), 90)
    ran = iastm("link-test", "--port", link.address, "--duration", "2")
    assert ran.code == 1, (ran.out, ran.err)
    verdict, _, figures = ran.out.partition("\n\n")
    assert verdict.startswith("bad ")
    assert "another cable" in verdict
    assert "lost at first" in figures


def test_a_tool_on_the_air_is_tested_by_its_name(iastm: Iastm, started: Started) -> None:
    tool = started("simulate", "--transport", "ble", "--seed", "5")
    radio = first_line(tool)
    ran = iastm("link-test", "--tool", "IASTM 0005", "--radio", radio, "--duration", "2", "--json")
    assert ran.code == 0, ran.err
    told = ran.json
    assert told["lost_after_backfill_samples"] == 0
    assert told["rate_measured_hz"] == pytest.approx(RATE_HZ, rel=0.02)
    assert told["round_trips"] > 0


def test_an_interrupted_test_tells_what_was_measured(iastm: Iastm, started: Started) -> None:
    tool = started("simulate", "--seed", "6")
    port = first_line(tool)
    testing = started("--verbose", "link-test", "--port", port, "--duration", "60", "--json")
    assert testing.stderr is not None
    assert any("link streaming" in line for line in iter(testing.stderr.readline, ""))
    testing.send_signal(signal.SIGINT)
    out, err = testing.communicate(timeout=30)
    assert testing.returncode == 130
    assert "Traceback" not in err
    told = json.loads(out)
    assert told["measured_s"] < 60
    assert told["ended_early"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Give one of --port, --tool and --simulated"),
        (("--port", "/dev/null", "--simulated"), "Give one of --port, --tool and --simulated"),
        (("--port", "/dev/null", "--tool", "X"), "Give one of --port, --tool and --simulated"),
        (("--port", "/dev/null", "--radio", "127.0.0.1:9"), "Give --radio with --tool"),
        (("--port", "/dev/null", "--transport", "ble"), "Give it with --simulated"),
        (("--port", "/dev/ttyNONE0"), "There is no port /dev/ttyNONE0"),
        (("--port", "/dev/null"), "is not a serial port"),
        (("--simulated", "--duration", "nan"), "--duration"),
        (("--simulated", "--duration", "-1"), "iastm link-test --help"),
        (("--simulated", "--duration", "inf"), "iastm link-test --help"),
    ],
)
def test_what_can_t_be_tested_is_told_with_its_cure(iastm: Iastm, arguments: tuple[str, ...], words: str) -> None:
    ran = iastm("link-test", *arguments)
    assert ran.code == 2, (ran.out, ran.err)
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""


def test_a_port_without_a_tool_is_told_after_a_bounded_time(iastm: Iastm) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ran = iastm("link-test", "--port", f"socket://127.0.0.1:{listener.getsockname()[1]}", "--json")
    assert ran.code == 2
    assert "Nothing came within 5 s" in ran.err
    assert "Check that you chose the right port" in ran.err
    assert ran.out == ""
