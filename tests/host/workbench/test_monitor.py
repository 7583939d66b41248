"""The monitor without its I/O: what comes from a fake tool, or from what is none, and what is shown and said."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_host.events import Chunk
from iastm_host.tool.client import ToolClient
from iastm_host.tool.quiet_hello import HARMFUL
from iastm_host.workbench.monitor import GREET_AGAIN_US, QUIET_US, FrameLines, Line, Monitor
from iastm_protocol import frames, kinds, messages

STEP_US = 100_000
ENTRY = b"# start 3, 12 s: failed\n  Traceback (most recent call last):\n  ValueError: words\n"


class Watched:
    """A monitor at a fake tool, `tool` None where nobody answers; time passes step by step."""

    def __init__(
        self,
        tool: Any,
        shown: FrameLines = FrameLines.NONE,
        *,
        listens: bool = False,
        mtu: int | None = None,
        session: int = 0,
    ) -> None:
        self.tool = tool
        self.monitor = Monitor(None if listens else ToolClient("test 1", session=session), shown)
        self.now_us = 5_000_000
        self.sent: list[bytes] = []
        self._answers = b""
        self.lines: list[Line] = list(self.monitor.opened(self.now_us, mtu))

    def step(self, data: bytes = b"", times: int = 1) -> list[Line]:
        """Let a tenth of a second pass, with `data` in the first; return the new lines."""
        before = len(self.lines)
        for _ in range(times):
            self.now_us += STEP_US
            came, self._answers, data = self._answers + data, b"", b""
            self.lines += self.monitor.receive(Chunk(self.now_us, came))
            outgoing, lines = self.monitor.to_send()
            self.lines += lines
            self.sent += outgoing
            if self.tool is not None:
                self.tool.now_us = self.now_us
                self._answers += b"".join(self.tool.take(each) for each in outgoing)
        return self.lines[before:]

    def live(self) -> Watched:
        """Step until the tool streams and all that it has was read."""
        self.step(times=40)
        assert self.tool.streaming
        return self

    def words(self, *topics: str) -> list[str]:
        return [line.words for line in self.lines if line.topic in topics]


def commands(tool: Any) -> set[int]:
    return {messages.Command.from_payload(payload).command for kind, payload in tool.heard if kind == kinds.COMMAND}


def test_nothing_on_the_tool_is_changed_and_its_stream_is_stopped_at_the_end(fake_tool: Any) -> None:
    seen = Watched(fake_tool(features=kinds.FEATURE_LOG, log=ENTRY)).live()
    seen.step(seen.tool.samples([90_000] * 8), times=70)
    seen.lines += seen.monitor.end(seen.now_us)
    assert {kind for kind, _ in seen.tool.heard} <= {kinds.HELLO, kinds.COMMAND, kinds.PING, kinds.ACK}
    assert commands(seen.tool) == {kinds.DESCRIBE, kinds.START_STREAM, kinds.GET_LOG}
    outgoing, _ = seen.monitor.to_send()
    for each in outgoing:
        seen.tool.take(each)
    assert not seen.tool.streaming
    assert seen.words("end")[0].startswith("11.0 s: ")


def test_what_the_tool_says_of_itself_is_told_once(fake_tool: Any) -> None:
    seen = Watched(fake_tool(trouble="NAU7802: does not answer", reset_reason=kinds.RESET_WATCHDOG)).live()
    told = "\n".join(seen.words("tool"))
    assert "fake F-1 (simulated), firmware 9.9.9" in told
    assert "why it started: its firmware hung, and its watchdog started it anew" in told
    assert "zero 84213 counts from sample 0, confirmed" in told
    assert seen.words("trouble") == ["NAU7802: does not answer"]
    # It describes itself when it is greeted, and again when its stream starts.
    assert told.count("zero 84213") == told.count("limits ") == told.count("calibration ") == 1
    assert "streaming: Live" in seen.words("link")


def test_faults_are_told_as_they_come_and_go(fake_tool: Any) -> None:
    seen = Watched(fake_tool()).live()
    seen.step(seen.tool.status())
    tool = seen.tool

    def status(faults: int) -> bytes:
        wire: bytes = tool.wire(kinds.STATUS, messages.Status(0, 80, 0, faults, 0, 0, 0, 0, 1, 1, 0))
        return wire

    seen.step(status(kinds.FAULT_ADC_SILENT | kinds.FAULT_MOTION))
    seen.step(status(kinds.FAULT_ADC_SILENT | kinds.FAULT_MOTION))
    seen.step(status(kinds.FAULT_MOTION))
    assert seen.words("fault") == [
        "none",
        "came: converter silent",
        "came: motion sensor fails: no angle, no pass length",
        "gone: converter silent",
    ]


def test_events_are_told_in_words(fake_tool: Any) -> None:
    seen = Watched(fake_tool()).live()
    for kind, value in (
        (kinds.EVENT_FAULT, kinds.FAULT_STORE),
        (kinds.EVENT_BUTTON, kinds.GESTURE_LONG),
        (kinds.EVENT_OVERLOAD, 41_900 * 60),
        (77, 5),
    ):
        seen.step(seen.tool.happen(kind, value))
    assert seen.words("event") == [
        "#1 fault: tool can't keep its settings, at sample 0",
        "#2 button: long press, at sample 0",
        "#3 overload: 60.00 N, at sample 0",
        "#4 event 77: value 5, at sample 0",
    ]


def test_the_tools_own_alert_is_told(fake_tool: Any) -> None:
    seen = Watched(fake_tool()).live()
    seen.step(seen.tool.wire(kinds.ALERT, messages.AlertReport(kinds.ALARM, 17, 1_000, 99_000)))
    assert seen.words("alert") == ["kind ALARM, index 17, tool_us 1000 µs, counts 99000 counts"]


def test_the_log_that_is_there_comes_first_and_then_what_is_new(fake_tool: Any) -> None:
    tool = fake_tool(features=kinds.FEATURE_LOG, log=ENTRY * 1 + b"# start 4, 3 s: hung\n")
    seen = Watched(tool).live()
    seen.step(times=60)
    assert seen.words("log") == [
        "# start 3, 12 s: failed",
        "  Traceback (most recent call last):",
        "  ValueError: words",
        "# start 4, 3 s: hung",
    ]
    before = len(seen.words("log"))
    tool.log += b"# start 4, 60 s: failed\n  OSError: 5\n"
    seen.step(times=60)
    assert seen.words("log")[before:] == ["# start 4, 60 s: failed", "  OSError: 5"]


def test_a_log_longer_than_a_frame_is_read_whole(fake_tool: Any) -> None:
    log = b"".join(b"# start %d, 12 s: failed\n  ValueError: words\n" % number for number in range(60))
    seen = Watched(fake_tool(features=kinds.FEATURE_LOG, log=log)).live()
    seen.step(times=60)
    assert "\n".join(seen.words("log")) + "\n" == log.decode()


def test_samples_are_summed_up_from_time_to_time(fake_tool: Any) -> None:
    seen = Watched(fake_tool()).live()
    for _ in range(110):
        seen.step(seen.tool.samples([84_213, 126_113] * 16))
    (said,) = seen.words("samples")[-1:]
    assert "(320.0/s), raw counts 84213 to 126113, mean 105163, standard deviation 20950, force 0.00 to 1.00 N" in said


def test_damage_is_counted_and_its_place_told(fake_tool: Any) -> None:
    seen = Watched(fake_tool()).live()
    broken = bytearray(seen.tool.status())
    broken[6] ^= 0x20
    seen.step(bytes(broken))
    (said,) = seen.words("damaged")
    assert said.startswith(f"no. 1: {len(broken) - 2} bytes at byte ")
    assert ", after PONG #" in said
    assert bytes(broken[1:5]).hex(" ") in said


def test_frames_that_were_lost_are_told_by_the_sequence(fake_tool: Any) -> None:
    seen = Watched(fake_tool()).live()
    seen.tool.status()
    seen.tool.status()
    seen.step(seen.tool.status())
    (said,) = seen.words("lost")
    assert said.startswith("2 frames before STATUS #")


def test_a_frame_that_breaks_the_rules_is_told(fake_tool: Any) -> None:
    seen = Watched(fake_tool()).live()
    seen.step(seen.tool.wire(kinds.STATUS, b"short"))
    assert any("breaks the rules (1 so far): status of 5 bytes is too short" in said for said in seen.words("damaged"))


@pytest.mark.parametrize("shown", [FrameLines.SUMMARISED, FrameLines.ALL])
def test_frames_are_shown_both_ways_and_samples_summed_up_or_not(fake_tool: Any, shown: FrameLines) -> None:
    seen = Watched(fake_tool(), shown).live()
    for _ in range(30):
        seen.step(seen.tool.samples([90_000] * 8))
    assert seen.words("→")[0].startswith('HELLO #8224: major 1, minor 2, host "test 1 ')
    assert seen.words("←")[0].startswith("HELLO_ANSWER #")
    samples = [said for said in seen.words("←") if "FORCE_SAMPLES" in said]
    if shown == FrameLines.ALL:
        assert len(samples) == 30
        assert all("packed 8 raw counts: 90000 90000" in said for said in samples)
    else:
        assert 2 <= len(samples) <= 4
        assert re.match(r"1[01] × FORCE_SAMPLES: (80|88) samples of ", samples[1])
        # Of what is said as often, the last.
        assert any(said.startswith("5 × ACK, the last: next_index ") for said in seen.words("→"))


def test_a_kind_that_nobody_knows_is_shown_as_hex(fake_tool: Any) -> None:
    seen = Watched(fake_tool(), FrameLines.SUMMARISED).live()
    lines = seen.step(seen.tool.wire(0x7A, b"\x01\xfe"))
    assert any(line.words.startswith("kind 0x7A #") and line.words.endswith(": 01fe") for line in lines)


def test_a_tools_text_is_shown_and_can_t_move_the_terminal(fake_tool: Any) -> None:
    seen = Watched(fake_tool()).live()
    seen.step(b"\x1b[2J\x1b[31mprinted\x1b[0m by mistake\r\n" + seen.tool.status())
    assert seen.words("text") == [r"\x1b[2Jprinted by mistake"]
    assert seen.words("fault") == ["none"]


# What is no tool


def test_who_only_listens_says_nothing_and_shows_every_frame(fake_tool: Any) -> None:
    tool = fake_tool()
    seen = Watched(tool, listens=True)
    seen.step(b"boot\r\n" + tool.status(), times=200)
    assert seen.sent == []
    assert seen.words("text") == ["boot"]
    assert seen.words("←")[0].startswith("STATUS #1: next_index 0")


def test_a_program_that_prints_is_not_spoken_to_until_it_is_quiet() -> None:
    seen = Watched(None)
    for number in range(100):
        seen.step(b"line %d\r\n" % number)
    assert seen.sent == []
    assert len(seen.words("text")) == 100
    seen.step(times=QUIET_US // STEP_US + 1)
    assert len(seen.sent) == 1


@pytest.mark.parametrize("every_s", [1, 2, 5])
def test_a_program_that_prints_now_and_then_is_left_in_peace_once_it_is_known(every_s: int) -> None:
    seen = Watched(None)
    seen.step(times=9)
    for _ in range(3):
        seen.step(b"tick\r\n", times=10 * every_s)
    before = len(seen.sent)
    for _ in range(20):
        seen.step(b"tick\r\n", times=10 * every_s)
    assert len(seen.sent) == before
    assert [said for said in seen.words("hint") if "A program of somebody else's prints here" in said]
    # It has ended, and may have been the boot of a tool.
    seen.step(times=3 * 10 * every_s + 10)
    assert len(seen.sent) > before


def test_a_tool_whose_boot_takes_long_and_prints_is_greeted_once_it_is_quiet(fake_tool: Any) -> None:
    seen = Watched(fake_tool())
    for _ in range(6):
        seen.step(b"still starting\r\n", times=8)
    assert not seen.tool.heard
    seen.step(times=60)
    assert seen.tool.streaming


def test_a_prompt_is_told_as_what_it_is_and_left_as_it_was_found() -> None:
    seen = Watched(None)
    seen.step(times=4)
    assert len(seen.sent) == 1
    seen.step(b"raw REPL; CTRL-B to exit\r\n>")
    # The line is emptied, and the prompt for programs is there again.
    assert seen.sent[1:] == [b"\x0b\x15\x01"]
    seen.step(b"raw REPL; CTRL-B to exit\r\n>")
    seen.step(times=400)
    assert len(seen.sent) == 2
    (hint,) = seen.words("hint")
    assert "MicroPython's prompt for programs" in hint
    assert "a reset starts it" in hint


def test_a_prompt_that_shows_itself_by_what_it_echoes_is_told_and_its_line_emptied() -> None:
    seen = Watched(None)
    seen.step(times=4)
    (hello,) = seen.sent
    # As MicroPython's readline shows it: the cursor went to the line's beginning, and what follows moves along.
    line = chr(hello[1])
    shown = line + "\b"
    for letter in "  IAST":
        shown += f"{letter}{line}\b"
    seen.step(shown.encode())
    seen.step(f"i  IAST{line}\x1b[7Da  IAST{line}\x1b[7D".encode(), times=400)
    assert seen.sent[1:] == [b"\x0b\x15"]
    (hint,) = seen.words("hint")
    assert "MicroPython's prompt" in hint
    assert "a reset starts it" in hint


@given(st.integers(0, 0xFFFFFFFF))
def test_what_did_not_answer_as_a_tool_is_sent_nothing_that_interrupts_or_runs_anything(session: int) -> None:
    seen = Watched(None, session=session)
    seen.step(times=40)
    assert len(seen.sent) >= 5
    for sent in seen.sent:
        assert HARMFUL.isdisjoint(sent)
        # Behind a letter on the line, what only moves the cursor does no more than that.
        assert chr(sent[1]).isprintable()


def test_a_tool_that_restarts_amid_its_stream_is_asked_as_quietly(fake_tool: Any) -> None:
    seen = Watched(fake_tool()).live()
    seen.tool = None
    before = len(seen.sent)
    seen.step(times=25)
    seen.sent = []
    seen.step(times=40)
    assert before
    assert len(seen.sent) >= 5
    assert all(HARMFUL.isdisjoint(sent) for sent in seen.sent)


def test_a_port_that_echoes_is_told_as_what_it_is_and_its_echoes_are_not_counted() -> None:
    seen = Watched(None)
    answered = 0
    for _ in range(100):
        echo, answered = b"".join(seen.sent[answered:]), len(seen.sent)
        seen.step(echo)
    assert [said for said in seen.words("hint") if "echoes what is sent" in said] == seen.words("hint")
    assert len(seen.words("hint")) == 1
    assert seen.monitor.frames == 0
    assert seen.words("tool") == []


def test_who_only_listens_to_a_silent_tool_is_told_why_nothing_comes(fake_tool: Any) -> None:
    seen = Watched(fake_tool(), listens=True)
    seen.step(times=100)
    (hint,) = seen.words("hint")
    assert "A tool says nothing until it is asked" in hint
    assert seen.sent == []


def test_a_tools_own_stroke_is_told_with_its_rate_in_strokes_per_minute(fake_tool: Any) -> None:
    seen = Watched(fake_tool()).live()
    seen.step(seen.tool.wire(kinds.STROKE, messages.StrokeReport(1, 0, 47, 3, 110_000, 4_000_000, False, 28_915)))
    (told,) = seen.words("stroke")
    assert told.endswith("rate 28.9 strokes/min")


def test_a_prompt_that_shows_itself_is_never_greeted() -> None:
    seen = Watched(None)
    seen.step(b"\r\n>>> ", times=300)
    assert seen.sent == []


def test_a_tool_that_starts_from_its_prompt_is_greeted(fake_tool: Any) -> None:
    seen = Watched(fake_tool())
    seen.step(b">>> ", times=10)
    assert not seen.tool.heard
    seen.step(b"\r\nMPY: soft reboot\r\n", times=60)
    assert seen.tool.streaming


def test_a_chip_that_restarts_over_and_over_is_told_with_what_it_says() -> None:
    seen = Watched(None)
    boot = (
        b"ESP-ROM:esp32c3-api1-20210207\r\nrst:0x7 (TG0WDT_SYS_RST),boot:0xd (SPI_FAST_FLASH_BOOT)\r\n"
        b'Traceback (most recent call last):\r\n  File "main.py", line 1, in <module>\r\nMemoryError: \r\n'
    )
    for _ in range(5):
        seen.step(boot, times=5)
    hints = seen.words("hint")
    assert len(hints) == len(set(hints))
    assert any("does not stay up" in hint for hint in hints)
    assert any("Freezing" in hint for hint in hints)
    assert seen.words("text").count("MemoryError:") == 5
    assert seen.sent == []


def test_a_board_that_says_nothing_is_told_and_asked_again_later() -> None:
    seen = Watched(None)
    seen.step(times=60)
    asked = len(seen.sent)
    assert any(said.startswith("Nothing came at all.") for said in seen.words("hint"))
    seen.step(times=GREET_AGAIN_US // STEP_US - 20)
    assert len(seen.sent) == asked
    seen.step(times=40)
    assert len(seen.sent) > asked


def test_noise_is_told_to_be_no_frames() -> None:
    seen = Watched(None)
    for _ in range(80):
        seen.step(b"\xf8\x80\x00\xe0\x98")
    assert any("another speed" in said for said in seen.words("hint"))


def test_a_link_that_breaks_is_told_and_the_tool_greeted_anew(fake_tool: Any) -> None:
    seen = Watched(fake_tool(features=kinds.FEATURE_LOG, log=ENTRY)).live()
    seen.lines += seen.monitor.broken(seen.now_us, "The cable is off.")
    assert seen.words("link")[-1] == "gone: The cable is off."
    seen.lines += seen.monitor.opened(seen.now_us, None)
    seen.live().step(times=20)
    assert seen.words("link").count("streaming: Live") == 2
    # The same entries of its log are not told twice.
    assert seen.words("log").count("# start 3, 12 s: failed") == 1


def test_another_major_version_is_not_asked_again(fake_tool: Any) -> None:
    seen = Watched(fake_tool(major=2))
    seen.step(times=300)
    assert len([said for said in seen.words("link") if "speaks protocol 2." in said]) == 1
    assert len(seen.tool.heard) == 1


def test_on_a_carrier_of_messages_it_is_greeted_at_once() -> None:
    seen = Watched(None, FrameLines.SUMMARISED, mtu=23)
    seen.step()
    assert seen.words("→")[0].startswith("HELLO #0")
    assert all(len(each) <= 23 for each in seen.sent)


@given(st.lists(st.binary(max_size=80), max_size=12), st.sampled_from(list(FrameLines)))
def test_whatever_comes_every_line_is_one_printable_line(chunks: list[bytes], shown: FrameLines) -> None:
    seen = Watched(None, shown)
    for chunk in chunks:
        seen.step(chunk)
    seen.step(times=15)
    seen.lines += seen.monitor.end(seen.now_us)
    assert all(line.words.isprintable() and line.topic.isprintable() for line in seen.lines)


@given(st.integers(1, 0x7F), st.binary(max_size=100), st.sampled_from(list(FrameLines)))
def test_whatever_a_live_tool_sends_every_line_is_one_printable_line(
    fake_tool: Any, kind: int, payload: bytes, shown: FrameLines
) -> None:
    seen = Watched(fake_tool(), shown).live()
    seen.step(frames.encode(kind, 7, payload), times=3)
    assert all(line.words.isprintable() for line in seen.lines)
