"""A tool and a host at both ends of anything that can happen to a link, against a model that knows every count.

Whatever the order of losses, damage, silence, reconnects, restarts and commands: samples come out in index order, once,
unaltered and in newtons of the zero that the tool told, and what does not come out is waited for or told as a gap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from iastm_host.analysis.profiles import Contact
from iastm_host.app.pipeline import Pipeline, limits_for
from iastm_host.events import Arrived, Chunk, Event, ForceBlock, Gap, LinkChanged, SetZero, ZeroReport
from iastm_host.tool import states
from iastm_host.tool.client import ToolClient
from iastm_host.tool.timeline import NOT_FETCHED, NOT_KEPT, RESTARTED
from iastm_protocol import kinds

CONTACT = Contact()
STEP_US = 20_000
BATCH = 6
KEEPS = 400
COUNTS_PER_N = 41_900
HARMS = st.sampled_from(("lose", "flip", "halve", "double"))


def counts_of(boot_id: int, first: int, n: int) -> np.ndarray:
    """Return what conversions of a boot give: no two alike within sight."""
    index = np.arange(first, first + n)
    return (index * 7919 + boot_id * 104_729) % 600_000


class Link(RuleBasedStateMachine):
    """The link, and what the model expects of it. `make_tool` makes the tool of a boot id."""

    make_tool: Callable[..., Any]
    profile: Any

    def __init__(self) -> None:
        super().__init__()
        self.client = ToolClient("model", limits_for(self.profile, CONTACT))
        self.pipeline = Pipeline(self.client, self.profile, None, CONTACT)
        self.now_us = 1_000_000
        self.state = states.CLOSED
        self.boot_id = 1
        self.tool = type(self).make_tool(boot_id=1, keeps=KEEPS, zero_counts=0)
        # Of each boot from which index on which zero holds, and since when the host knows.
        self.zeros: dict[int, list[tuple[int, int]]] = {1: [(0, 0)]}
        self.known_us: dict[tuple[int, int, int], int] = {}
        self.harm = ""
        self.harmed_at = 0
        self.cut_off = False
        self.place: tuple[int, int] | None = None
        self.arrived: set[int] = set()
        self.arrived_boot = 0

    @initialize()
    def connects(self) -> None:
        self.take([*self.client.opening(), *self.client.opened()])
        self.until_live()

    # What happens

    @rule(batches=st.integers(1, 12))
    def samples_are_made(self, batches: int) -> None:
        for _ in range(batches):
            self.step()

    @rule(harm=HARMS, at=st.integers(0, 3))
    def a_frame_will_be_harmed(self, harm: str, at: int) -> None:
        self.harm, self.harmed_at = harm, at

    @rule(steps=st.sampled_from((1, 5, 30, 120)))
    def nothing_comes_through(self, steps: int) -> None:
        self.cut_off = True
        for _ in range(steps):
            self.step()
        self.cut_off = False

    @rule(answers=st.booleans())
    def what_is_fetched_is_answered_or_not(self, answers: bool) -> None:
        self.tool.mute = set() if answers else {kinds.FETCH}

    @rule(away_steps=st.sampled_from((0, 10, 100)))
    def the_link_breaks(self, away_steps: int) -> None:
        self.take(self.client.broken("The cable is out."))
        for _ in range(away_steps):
            self.now_us += STEP_US
            self.made()
        self.take([*self.client.opening(), *self.client.opened()])

    @rule()
    def the_tool_restarts(self) -> None:
        self.boot_id += 1
        self.tool = type(self).make_tool(boot_id=self.boot_id, keeps=KEEPS, zero_counts=0)
        self.zeros[self.boot_id] = [(0, 0)]

    @rule(counts=st.integers(-1000, 1000))
    def the_zero_is_set(self, counts: int) -> None:
        if self.client.state == states.STREAMING:
            self.client.request(SetZero(counts))
            self.step()

    def teardown(self) -> None:
        """On a link that is whole again all that the tool still has comes, and nothing is waited for."""
        self.tool.mute = set()
        for _ in range(1000):
            self.step()
            if self.is_whole():
                break
        assert self.client.state == states.STREAMING
        assert self.place == (self.boot_id, self.tool.next_index)
        assert self.pipeline.missing_samples == 0
        assert self.client.zero is not None
        assert self.client.zero.counts == self.tool.zero.counts
        super().teardown()

    def is_whole(self) -> bool:
        told = self.place == (self.boot_id, self.tool.next_index)
        zero_known = self.client.zero is not None and self.client.zero.counts == self.tool.zero.counts
        return self.client.state == states.STREAMING and told and zero_known

    # How it goes

    def until_live(self) -> None:
        for _ in range(1000):
            if self.client.state == states.STREAMING:
                return
            self.step()
        raise AssertionError(f"still {self.client.state}: {self.client.reason}")

    def made(self) -> bytes:
        """Return what the tool sends of a batch that it makes."""
        self.tool.now_us = self.tool.time_of(self.tool.next_index)
        wire: bytes = self.tool.samples(counts_of(self.boot_id, self.tool.next_index, BATCH))
        return wire if self.tool.streaming else b""

    def step(self) -> None:
        self.now_us += STEP_US
        said = b"" if self.cut_off else b"".join(self.heard(data) for data in self.client.to_send())
        said += self.made()
        if self.cut_off:
            self.client.to_send()
            said = b""
        self.take(self.pipeline.receive(Chunk(self.now_us, self.spoilt(said))))
        if self.client.state in (states.LOST, states.REFUSED):
            self.take([*self.client.opening(), *self.client.opened()])

    def heard(self, data: bytes) -> bytes:
        """Return what the tool answers."""
        answer: bytes = self.tool.take(data)
        zero = (self.tool.zero.from_index, self.tool.zero.counts)
        if zero != self.zeros[self.boot_id][-1]:
            self.zeros[self.boot_id].append(zero)
        return answer

    def spoilt(self, said: bytes) -> bytes:
        frames = [b"\0" + block + b"\0" for block in said.split(b"\0") if block]
        if not self.harm or not frames:
            return said
        at = self.harmed_at % len(frames)
        frame, harm = frames[at], self.harm
        self.harm = ""
        if harm == "flip":
            frames[at] = frame[:5] + bytes([frame[5] ^ 0x10]) + frame[6:]
        else:
            frames[at] = {"lose": b"", "halve": frame[: len(frame) // 2], "double": frame + frame}[harm]
        return b"".join(frames)

    # What is expected

    def take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, LinkChanged):
                self.check_state(event)
            elif isinstance(event, Arrived):
                self.note_arrival(event.block)
            elif isinstance(event, ForceBlock):
                self.check_block(event)
            elif isinstance(event, Gap):
                self.check_gap(event)
            elif isinstance(event, ZeroReport):
                assert (event.from_index, event.counts) in self.zeros[self.boot_id]
                self.known_us.setdefault((self.boot_id, event.from_index, event.counts), self.now_us)
        self.check_what_is_waited_for()

    def check_state(self, link: LinkChanged) -> None:
        ways = {to for (state, _), to in states.TRANSITIONS.items() if state == self.state}
        assert link.state in ways, f"{self.state} → {link.state}"
        assert link.reason
        self.state = link.state

    def note_arrival(self, block: ForceBlock) -> None:
        if block.boot_id != self.arrived_boot:
            self.arrived_boot, self.arrived = block.boot_id, set()
        self.arrived |= set(range(block.first_index, block.next_index))

    def check_place(self, item: ForceBlock | Gap) -> None:
        if self.place is not None:
            boot_id, index = self.place
            if item.boot_id != boot_id:
                index = 0
            assert item.first_index == index, "a hole that nobody speaks of, or a sample told twice"

    def check_block(self, block: ForceBlock) -> None:
        self.check_place(block)
        assert block.raw_counts is not None
        n = len(block.raw_counts)
        assert block.raw_counts.tolist() == counts_of(block.boot_id, block.first_index, n).tolist()
        for index, raw, force_n in zip(
            range(block.first_index, block.next_index), block.raw_counts, block.force_n, strict=True
        ):
            start, zero = [each for each in self.zeros[block.boot_id] if each[0] <= index][-1]
            # Until a report that was lost is repeated, nobody can know.
            if self.known_us.get((block.boot_id, start, zero), self.now_us + 1) <= block.arrived_us:
                assert abs(force_n - (raw - zero) / COUNTS_PER_N) < 1e-9
        self.place = (block.boot_id, block.next_index)

    def check_gap(self, gap: Gap) -> None:
        self.check_place(gap)
        lost = range(gap.first_index, gap.first_index + gap.sample_count)
        restarted = gap.boot_id != self.boot_id
        if gap.reason == RESTARTED:
            assert restarted
            assert not lost
        elif gap.reason == NOT_FETCHED:
            ring_depth = self.client.tool.ring_depth if self.client.tool is not None else 0
            assert restarted or lost.stop <= max(self.arrived) + 1 - ring_depth
        else:
            assert gap.reason == NOT_KEPT
            assert not set(lost) & set(self.tool.kept)
        self.place = (gap.boot_id, lost.stop)

    def check_what_is_waited_for(self) -> None:
        if self.place is None or self.place[0] != self.arrived_boot:
            return
        missing = set(range(self.place[1], max(self.arrived, default=0) + 1)) - self.arrived
        assert self.pipeline.missing_samples == len(missing)


def test_whatever_happens_to_a_link_the_host_tells_the_truth_or_says_what_is_missing(
    fake_tool: Any, profile: Any, size: Callable[[int, int], int]
) -> None:
    machine = type("OnThisTool", (Link,), {"make_tool": staticmethod(fake_tool), "profile": profile})
    run_state_machine_as_test(machine, settings=settings(max_examples=size(60, 3000), stateful_step_count=30))
