"""A tool without hardware: the unchanged firmware in a process of its own, on a pseudo-terminal or a socket.

Nothing of it outlives this process, not even after SIGKILL: settings and rows reach the tool through pipes, and the
tool ends when a further pipe does, whose other end is held here. (Its pseudo-terminal lasts as long as any program has
that open.)

Systems without pseudo-terminals (Windows) get a TCP port of this machine instead. There the tool ends with its rows,
some seconds after this process: it plays first what the pipe holds. This way is tested on Linux with both interpreters;
Windows itself was not at hand to try it on.

Rows of a scenario fill their pipe, half a minute ahead. Whoever changes what comes next wants to see it: with a pace,
rows are handed out only so far ahead that the tool never waits for long.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import struct
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, NamedTuple

from iastm_host.events import Problem
from iastm_host.transports.base import Clock
from iastm_host.transports.runtime import HEAP_BYTES, HEAP_WITH_BLUETOOTH_BYTES, Runtime

_ROWS_AT_ONCE = 1024
_PIPE_BYTES = 4096
_STDERR_LINES = 20
_START_TIMEOUT_S = 20.0
_RUNNING_WITHIN_S = 60.0
_STOP_TIMEOUT_S = 3.0
_LAST_WORDS_S = 1.0
_LISTENING = "listening on "
_RUNNING = "running"
_STDERR_THREAD = "tool stderr"
_ROW_BYTES = 8
_AHEAD_S = 0.2
_LOOK_EVERY_S = 0.02

RowSource = Callable[[int], bytes]
"""Returns the next n rows, packed as the simulated ADC reads them."""


class Pace(NamedTuple):
    """Rows are handed out about 0.2 s before their time: at `rate_hz`, by the clock where a pipe can't be measured."""

    rate_hz: float
    clock: Clock


class SimulatedTool:
    """One running simulated tool; `port` is what a serial transport opens."""

    def __init__(
        self,
        runtime: Runtime,
        rows: RowSource,
        settings: Mapping[str, object],
        truth: Path | None = None,
        *,
        pace: Pace | None = None,
        on_pty: bool = os.name == "posix",
    ) -> None:
        self._runtime = runtime
        self._rows = rows
        self._settings = settings
        self._truth = truth
        self._pace = pace
        self._process: subprocess.Popen[bytes] | None = None
        self._slave = -1
        self._lifeline = -1
        self._read_end = -1
        self._stopping = threading.Event()
        self._on_pty = on_pty
        self._listening = threading.Event()
        # Set once the firmware runs, and where it can't any more.
        self._started = threading.Event()
        self._runs = False
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self._threads: list[threading.Thread] = []
        self.port = ""

    def start(self, bluetooth: str = "") -> None:
        """Start the tool; raises Problem where it can't be started or the truth file can't be written.

        Its firmware runs a while later, see `wait_until_running`: on a busy machine that may be longer than a host
        that greets it has patience. With `bluetooth`, where a virtual_peripheral listens, the tool has that radio, and
        no `port`.
        """
        self._stopping.clear()
        self._started.clear()
        self._runs = False
        heap_bytes = HEAP_WITH_BLUETOOTH_BYTES if bluetooth else HEAP_BYTES
        command = self._runtime.module_command("iastm_simulated", heap_bytes)
        if self._truth is not None:
            _check_writable(self._truth)
            command += ["--truth", str(self._truth)]
        try:
            if bluetooth:
                self._listening.set()
                self._start_on_pipe([*command, "--bluetooth", bluetooth])
            elif self._on_pty:
                self._start_on_pty(command)
            else:
                self._start_on_socket(command)
        except OSError as error:
            self.stop()
            raise Problem(
                f"The simulated tool can't be started: {error}.", "Check $MICROPYTHON, or install the toolkit again."
            ) from error

    def wait_until_running(self, timeout_s: float = _RUNNING_WITHIN_S) -> None:
        """Return once the firmware answers hosts.

        Raises Problem, with its last words, where it ends before (or is stopped from another thread), and where it
        does not run after `timeout_s`.
        """
        if not self._started.wait(timeout_s):
            raise Problem(
                f"The simulated tool does not run after {timeout_s:g} s.{_said(self.last_words)}",
                "Close other programs that keep this computer busy, then start it again.",
            )
        if not self._runs:
            code = self.wait(_LAST_WORDS_S)
            how = "closed its error stream" if code is None else f"ended by itself (exit code {code})"
            raise Problem(
                f"The simulated tool {how} before its firmware ran.{_said(self.last_words)}",
                "Start it again, and report what it said.",
            )

    def stop(self) -> None:
        """End the tool and all that belongs to it."""
        self._stopping.set()
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        for held in (self._slave, self._lifeline):
            if held >= 0:
                os.close(held)
        self._slave = self._lifeline = -1
        for thread in self._threads:
            thread.join(2.0)
        self._threads.clear()
        # Measured by its thread until then.
        if self._read_end >= 0:
            os.close(self._read_end)
        self._read_end = -1

    def wait(self, timeout_s: float) -> int | None:
        """Return the exit code, or None where it still runs after `timeout_s`."""
        if self._process is None:
            return 0
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        for thread in self._threads:
            # What it said last is on its way still.
            if thread.name == _STDERR_THREAD:
                thread.join(_LAST_WORDS_S)
        return code

    @property
    def last_words(self) -> str:
        """What the tool last wrote beside its stream: its traceback, where it failed."""
        return "\n".join(self._stderr)

    def _start_on_pty(self, command: list[str]) -> None:
        import tty

        master, self._slave = os.openpty()
        rows_in, rows_out = os.pipe()
        settings_in, settings_out = os.pipe()
        lifeline_in, self._lifeline = os.pipe()
        try:
            tty.setraw(self._slave)
            # Asked while somebody surely holds the other end: a tool that died at once does not.
            self.port = os.ttyname(self._slave)
            os.set_blocking(master, False)
            os.write(settings_out, json.dumps(self._settings).encode())
            os.close(settings_out)
            command = [*command, "--rows", f"/dev/fd/{rows_in}", "--settings", f"/dev/fd/{settings_in}"]
            command += ["--lifeline", f"/dev/fd/{lifeline_in}"]
            self._process = subprocess.Popen(
                command,
                stdin=master,
                stdout=master,
                stderr=subprocess.PIPE,
                pass_fds=(rows_in, settings_in, lifeline_in),
                env=self._runtime.environment(os.environ),
                # Ctrl-C in the terminal is for this program, which then ends the tool.
                start_new_session=True,
            )
        except OSError:
            os.close(rows_out)
            raise
        finally:
            os.close(master)
            self._keep_read_end(rows_in)
            os.close(settings_in)
            os.close(lifeline_in)
        self._thread("tool rows", self._feed, os.fdopen(rows_out, "wb", buffering=0))
        self._thread(_STDERR_THREAD, self._listen, self._process.stderr)

    def _start_on_socket(self, command: list[str]) -> None:
        self._listening.clear()
        self._start_on_pipe([*command, "--listen", "127.0.0.1:0"])
        if not self._listening.wait(_START_TIMEOUT_S) or not self.port:
            raise OSError(self.last_words or "it does not listen")

    def _start_on_pipe(self, command: list[str]) -> None:
        self.port = ""
        rows_in, rows_out = subprocess.PIPE, -1
        if self._pace is not None and self._on_pty:
            rows_in, rows_out = os.pipe()
            self._keep_read_end(rows_in)
        try:
            self._process = subprocess.Popen(
                [*command, "--settings", "-", "--rows", "-"],
                stdin=rows_in,
                # Nothing of the tool's may come between what this program prints.
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                # What is played on when this process is gone; as little as Windows' pipes hold.
                pipesize=_PIPE_BYTES,
                env=self._runtime.environment(os.environ),
                # Ctrl-C is for this program; the first of the two says so on POSIX, the second on Windows.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        except OSError:
            if rows_out >= 0:
                os.close(rows_out)
            raise
        pipe = self._process.stdin if rows_out < 0 else os.fdopen(rows_out, "wb", buffering=0)
        self._thread("tool rows", self._feed, pipe, json.dumps(self._settings).encode() + b"\n")
        self._thread(_STDERR_THREAD, self._listen, self._process.stderr)

    def _keep_read_end(self, rows_in: int) -> None:
        # Held for as long as it is looked at how much waits in the pipe.
        if self._pace is None:
            os.close(rows_in)
        else:
            self._read_end = rows_in

    def _feed(self, pipe: IO[bytes], head: bytes = b"") -> None:
        with contextlib.suppress(BrokenPipeError, OSError, ValueError), pipe:
            pipe.write(head)
            pipe.flush()
            if self._pace is not None:
                self._keep_in_step(pipe, self._pace)
            # The pipe is kept full; it blocks here until the tool has played what it has.
            while self._pace is None:
                pipe.write(self._rows(_ROWS_AT_ONCE))

    def _keep_in_step(self, pipe: IO[bytes], pace: Pace) -> None:
        measured = self._read_end >= 0
        if not measured:
            # From here on the tool takes rows.
            self._listening.wait(_START_TIMEOUT_S)
        begun_us = pace.clock()
        most = math.ceil(_AHEAD_S * pace.rate_hz)
        handed = 0
        while not self._stopping.wait(_LOOK_EVERY_S):
            due = math.floor((pace.clock() - begun_us) * 1e-6 * pace.rate_hz)
            ahead = _unread_bytes(self._read_end) // _ROW_BYTES if measured else handed - due
            if ahead < most:
                pipe.write(self._rows(most - ahead))
                pipe.flush()
                handed += most - ahead

    def _listen(self, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                text = line.decode(errors="replace").rstrip()
                if text.startswith(_LISTENING):
                    self.port = f"socket://{text.removeprefix(_LISTENING)}"
                    self._listening.set()
                elif text == _RUNNING:
                    self._runs = True
                    self._started.set()
                else:
                    self._stderr.append(text)
        self._listening.set()
        self._started.set()

    def _thread(self, name: str, target: Callable[..., None], pipe: IO[bytes] | None, *arguments: bytes) -> None:
        assert pipe is not None
        thread = threading.Thread(target=target, args=(pipe, *arguments), name=name, daemon=True)
        thread.start()
        self._threads.append(thread)


def _said(words: str) -> str:
    return f" It said: {words}" if words else ""


def _unread_bytes(read_end: int) -> int:
    """Return how much waits in a pipe."""
    import fcntl
    import termios

    (waiting,) = struct.unpack("i", fcntl.ioctl(read_end, termios.FIONREAD, bytes(4)))
    return int(waiting)


def _end(process: subprocess.Popen[bytes]) -> None:
    # An interrupt first: it lets the firmware close its truth file.
    gentle = process.terminate if os.name == "nt" else lambda: process.send_signal(signal.SIGINT)
    for end in (gentle, process.kill):
        with contextlib.suppress(ProcessLookupError):
            end()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_TIMEOUT_S)
            return


def _check_writable(path: Path) -> None:
    try:
        with path.open("x"):
            pass
    except FileExistsError as error:
        raise Problem(f"{path} exists and is not overwritten.", "Name another file, or move that one away.") from error
    except OSError as error:
        raise Problem(
            f"{path} can't be written: {error.strerror}.", "Name a file in a folder that exists and is yours."
        ) from error
