"""A host that is killed loses at most a second and leaves nothing behind."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from iastm_host.app.offline import recorded_events
from iastm_host.events import ForceBlock, Gap
from iastm_host.records.entries import Recording

RATE_HZ = 320
STREAMING_TIMEOUT_S = 60.0
GONE_TIMEOUT_S = 20.0


def children_of(pid: int) -> list[int]:
    """Return the processes that `pid` started."""
    # The kernel lists children by the thread that started them.
    lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for text in lists for child in text.split()]


def streams(folder: Path) -> bool:
    """Whether a recording with samples is there."""
    return any(path.stat().st_size > 4000 for path in folder.glob("*.iastm"))


def gone(pids: list[int]) -> bool:
    """Whether none of the processes runs."""
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def wait_for(what: Callable[[], bool], timeout_s: float) -> bool:
    end = time.monotonic() + timeout_s
    while not (there := what()) and time.monotonic() < end:
        time.sleep(0.02)
    return there


def test_after_sigkill_every_recording_opens_and_lacks_at_most_its_last_second(
    started: Callable[..., subprocess.Popen[str]], tmp_path: Path, size: Callable[[int, int], int]
) -> None:
    rng = random.Random(20)
    for number in range(size(4, 20)):
        folder = tmp_path / f"recordings {number}"
        scratch = tmp_path / f"scratch {number}"
        scratch.mkdir()
        host = started("demo", "--headless", "--duration", "60", "--record", folder, TMPDIR=str(scratch))
        assert wait_for(partial(streams, folder), STREAMING_TIMEOUT_S)
        time.sleep(rng.uniform(0, 2.5))
        tools = [pid for child in children_of(host.pid) for pid in (child, *children_of(child))]
        assert tools
        (path,) = folder.glob("*.iastm")
        host.kill()
        killed_s = time.time()
        host.wait(GONE_TIMEOUT_S)

        recording = Recording(path)
        damaged, missing, _torn = recording.condition()
        assert (damaged, missing) == (0, 0)
        first_us, last_us = recording.length_us()
        written_s = path.stat().st_mtime
        assert killed_s - written_s <= 1.0
        items = [event for event in recorded_events(recording) if isinstance(event, ForceBlock | Gap)]
        assert not any(isinstance(item, Gap) for item in items)
        samples = sum(len(item.force_n) for item in items if isinstance(item, ForceBlock))
        assert samples >= ((last_us - first_us) / 1e6 - 1.5) * RATE_HZ

        assert wait_for(partial(gone, tools), GONE_TIMEOUT_S)
        assert list(scratch.iterdir()) == []


def test_a_killed_simulator_takes_its_tool_along_though_a_run_has_its_port_open(
    started: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    simulator = started("simulate")
    assert simulator.stdout is not None
    # A name of this test's own, gone in time: the number of the pseudo-terminal is given to the next one that is made
    # on this machine, and the run, which tries it again, would take that from whoever made it.
    port = tmp_path / "port"
    port.symlink_to(simulator.stdout.readline().strip())
    tools = [pid for child in children_of(simulator.pid) for pid in (child, *children_of(child))]
    assert tools
    run = started("run", "--port", port, "--json")
    assert run.stderr is not None
    assert any("streaming" in line for line in iter(run.stderr.readline, ""))
    port.unlink()
    simulator.kill()
    simulator.wait(GONE_TIMEOUT_S)
    assert wait_for(partial(gone, tools), GONE_TIMEOUT_S)
    assert any(f"The link to {port} is gone" in line for line in iter(run.stderr.readline, ""))


def test_a_simulated_tool_tells_how_to_see_it(started: Callable[..., subprocess.Popen[str]]) -> None:
    simulator = started("simulate")
    assert simulator.stdout is not None
    assert simulator.stderr is not None
    port = simulator.stdout.readline().strip()
    assert f"See it: iastm run --port {port}\n" in iter(simulator.stderr.readline, "")
