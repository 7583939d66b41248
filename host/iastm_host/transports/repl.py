"""MicroPython's raw REPL on a serial port: mpremote, used as a library, with an end to everything that it waits for.

mpremote opens ports without telling why it could not, waits for ever for a board that falls silent and for ever for
one that never does, and prints what it did not expect. So the port is opened and the prompt asked for here, and what
mpremote reads and writes goes through `_Wire`, which raises when it has waited long enough.
"""

from __future__ import annotations

import binascii
import contextlib
import os
import struct
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

import serial

from iastm_host.events import Problem
from iastm_host.transports.base import LOST, NOT_FOUND, TransportError
from iastm_host.transports.serial import open_error

Progress = Callable[[int, int], None]
"""Is told how many bytes are done, and of how many."""

NO_PROMPT = "no prompt"
"""A reason of TransportError: what is on the port does not come to MicroPython's prompt."""
SILENT_PORT = "silent"
"""A reason of TransportError: nothing at all came from the port."""

FILES_ANEW = (
    "A new one: on an ESP32 by iastm flash --erase; on a Pico by Raspberry Pi's flash_nuke.uf2, copied onto its "
    "bootloader's drive, then iastm flash. The calibration, key and log on the board are lost by it."
)
"""How the file system of a board is made anew."""

_BAUD = 115_200
_POLL_S = 0.05
_WRITE_TIMEOUT_S = 5.0
# The firmware takes Ctrl-C for the prompt after 50 ms without another byte (iastm_firmware/console.py).
_QUIET_S = 0.15
_DRAIN_S = 1.0
_REOPEN_EVERY_S = 0.2
# Of the time that a board may be silent.
_ASK_AGAIN, _SETTLES = 0.2, 0.5
# What the firmware says of it (iastm_firmware/start.py).
_RESTARTS = b"restarting into safe mode"
# What MicroPython prints for ever on an ESP32 instead of a prompt (ports/esp32/modules/inisetup.py, fs_corrupted).
_DAMAGED = b"filesystem appears to be corrupted"
# It is 260 bytes long, and whatever an interrupt makes of it comes after.
_TAIL_BYTES = 800
# In base64 two kilobytes: a line that every board has memory to compile.
_CHUNK_BYTES = 1536
_INTERRUPT, _RAW, _SOFT_RESET = b"\r\x03", b"\r\x01", b"\x04"
_PROMPT = b">>> "
_REBOOTED = b"soft reboot\r\n"
# The prompt itself, ">", is left for mpremote to read.
_BANNER = b"raw REPL; CTRL-B to exit\r\n"
_READ_AT_ONCE = 768
# Late enough for the board to say that it heard it.
_RESET = "import machine,time\ntime.sleep_ms(50)\nmachine.reset()"


class ReplError(Exception):
    """Code on the board raised: `traceback` is what it said."""

    def __init__(self, traceback: str) -> None:
        super().__init__(traceback)
        self.traceback = traceback

    @property
    def last_line(self) -> str:
        """The error without where it arose."""
        lines = self.traceback.strip().splitlines()
        return lines[-1].strip() if lines else ""


class _LateError(Exception):
    """Nothing came in time."""


class _DamagedError(_LateError):
    """Nothing will come: the board says that its file system is damaged."""


class RawRepl:
    """The prompt of a board for programs. Blocking; raises TransportError where the board can't be asked.

    `timeout_s` is how long it may be silent amid a command, `open_within_s` how long it may take to come to its prompt.
    `locate` returns the port's name of today: a board that restarted may come back under another one. `clock` and
    `sleep` are in seconds. `sent_bytes` counts what was written to the port.
    """

    def __init__(
        self,
        port: str,
        timeout_s: float = 10.0,
        *,
        open_within_s: float = 30.0,
        locate: Callable[[], str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._port = port
        self._timeout_s = timeout_s
        self._open_within_s = open_within_s
        self._locate = locate or (lambda: port)
        self._clock = clock
        self._sleep = sleep
        self._wire: _Wire | None = None
        self._board: Any = None
        # Whether the board waits for a command, and not amid one.
        self._at_prompt = False
        self._sent_before = 0

    @property
    def sent_bytes(self) -> int:
        """How many bytes went to the board."""
        return self._sent_before + (self._wire.sent_bytes if self._wire is not None else 0)

    def wait_for_port(self, within_s: float) -> None:
        """Wait until the port is there, for so long at most: a board that restarts has none for a moment."""
        end_s = self._clock() + within_s
        while self._clock() < end_s:
            try:
                self._connect()
            except TransportError as error:
                if error.reason != NOT_FOUND:
                    return
                self._sleep(_REOPEN_EVERY_S)
            else:
                self.close()
                return

    def open(self, *, restarting: bool = False) -> None:
        """Interrupt what runs and start afresh, without main.py; a tool that restarts is asked again, within 30 s.

        `restarting`: it restarts just now, maybe into safe mode, and is let come to its prompt by itself first.
        """
        self.close()
        self._connect()
        end_s = self._clock() + self._open_within_s
        if restarting:
            with contextlib.suppress(TransportError):
                self._settle(end_s)
        heard = b""
        while True:
            try:
                if self._wire is None:
                    self._connect()
                    self._settle(end_s)
                self._enter(end_s, soft_reset=True)
                return
            except _DamagedError as error:
                self.close()
                raise TransportError(
                    NO_PROMPT,
                    f"MicroPython on {self._port} does not start: what lies in its flash for files is damaged, or "
                    "another program's.",
                    FILES_ANEW,
                ) from error
            except (_LateError, TransportError) as error:
                wire = self._wire
                heard = (wire.tail if wire is not None else b"") or heard
                if isinstance(error, TransportError):
                    # It restarts, and its port is gone for a moment; or its rights are not set yet.
                    self.close()
                    self._sleep(_REOPEN_EVERY_S)
                if self._clock() >= end_s:
                    self.close()
                    if isinstance(error, TransportError):
                        raise
                    raise self._no_prompt(heard) from error

    def run(self, code: str, timeout_s: float | None = None, on_line: Callable[[str], None] | None = None) -> str:
        """Return what `code` prints; raises ReplError where it raises. `on_line` is given each line as it comes.

        Each of its bytes may take `timeout_s` to come.
        """
        wire = self._opened()
        said = _Lines(on_line)
        self._at_prompt = False
        wire.wait(timeout_s or self._timeout_s)
        with self._told():
            self._board.exec_raw_no_follow(code)
            _, error = self._board.follow(None, said.take)
        self._at_prompt = True
        if error:
            raise ReplError(error.decode(errors="replace").replace("\r\n", "\n"))
        return said.text()

    def write_file(self, path: str, data: bytes, progress: Progress | None = None) -> None:
        """Write a file whole; raises ReplError where its file system refuses."""
        self.run(f"from binascii import a2b_base64\n_f=open({path!r},'wb')")
        for at in range(0, len(data), _CHUNK_BYTES):
            piece = binascii.b2a_base64(data[at : at + _CHUNK_BYTES], newline=False)
            self.run(f"_f.write(a2b_base64({piece!r}))and None")
            if progress is not None:
                progress(min(at + _CHUNK_BYTES, len(data)), len(data))
        self.run("_f.close()")

    def read_file(self, path: str, at_most: int = 1 << 24) -> bytes:
        """Return a file, its first `at_most` bytes; raises ReplError where there is none."""
        said = self.run(
            "from binascii import b2a_base64\n"
            f"_n={at_most}\n"
            f"with open({path!r},'rb') as _f:\n"
            " while _n:\n"
            f"  _d=_f.read(min(_n,{_READ_AT_ONCE}))\n"
            "  if not _d:break\n"
            "  _n-=len(_d)\n"
            "  print(b2a_base64(_d).decode().strip())"
        )
        try:
            return b"".join(binascii.a2b_base64(line) for line in said.split())
        except binascii.Error as error:
            raise self._gone("what it sent can't be read") from error

    def reset(self) -> None:
        """Restart the board as if it got power, and close the port. Amid a command that one is broken off first."""
        try:
            wire = self._opened()
            if not self._at_prompt:
                self._enter(self._clock() + self._timeout_s, soft_reset=False)
            wire.wait(self._timeout_s)
            before = wire.sent_bytes
            try:
                with self._told():
                    self._board.exec_raw_no_follow(_RESET)
            except TransportError:
                # The port may be gone before what was heard of it.
                if wire.sent_bytes - before < len(_RESET):
                    raise
        except _LateError as error:
            raise self._gone("it does not come back to its prompt") from error
        finally:
            self.close()

    def close(self) -> None:
        """Close the port; what runs on the board stays as it is."""
        wire, self._wire, self._board, self._at_prompt = self._wire, None, None, False
        if wire is not None:
            self._sent_before += wire.sent_bytes
            wire.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connect(self) -> None:
        try:
            from mpremote.transport_serial import SerialTransport
        except ModuleNotFoundError as error:
            raise Problem(
                "Speaking to a board's prompt needs the extra workbench.", "pip install 'iastm-toolkit[workbench]'"
            ) from error
        self._port = self._locate()
        wire = _Wire(_open(self._port), self._clock)
        # Its constructor would open the port once more, and drop the reason where it can't.
        board = SerialTransport.__new__(SerialTransport)
        board.serial = wire
        board.device_name = self._port
        board.in_raw_repl = True
        board.use_raw_paste = True
        board.mounted = False
        # It then waits in `read`, as for all ports here, and does not look every 10 ms.
        board.is_pty = True
        self._wire, self._board = wire, board

    def _opened(self) -> _Wire:
        if self._wire is None:
            raise self._gone("it was closed")
        return self._wire

    def _settle(self, end_s: float) -> None:
        """Let a board that restarts come to its prompt by itself.

        A tool that is asked for its prompt restarts into safe mode, and forgets so only once it is there: interrupted
        on its way it would go there again after the next reset, and not start.
        """
        wire = self._opened()
        wire.wait_until(min(end_s, self._clock() + self._timeout_s * _SETTLES))
        with contextlib.suppress(_LateError), self._told(late=False):
            # Read when nothing else runs any more, and answered by a prompt.
            wire.write(b"\r")
            wire.read_past(_PROMPT)

    def _enter(self, end_s: float, *, soft_reset: bool) -> None:
        wire = self._opened()
        with self._told(late=False):
            # What starts just now may not have heard it: it is asked again soon.
            wire.wait_until(min(end_s, self._clock() + self._timeout_s * _ASK_AGAIN))
            wire.write(_INTERRUPT)
            wire.drain(_QUIET_S, _DRAIN_S)
            if _RESTARTS in wire.tail:
                # Over a bridge the port stays.
                self._settle(end_s)
                wire.wait_until(min(end_s, self._clock() + self._timeout_s * _ASK_AGAIN))
                wire.tail = b""
            wire.write(_RAW)
            wire.read_past(_BANNER)
            if soft_reset:
                wire.read_past(b">")
                wire.wait_until(min(end_s, self._clock() + self._timeout_s))
                wire.write(_SOFT_RESET)
                wire.read_past(_REBOOTED)
                wire.read_past(_BANNER)
        self._board.use_raw_paste = True
        self._at_prompt = True

    @contextlib.contextmanager
    def _told(self, *, late: bool = True) -> Iterator[None]:
        """Turn whatever goes wrong on the port into a TransportError; `late` too, where that is an error."""
        from mpremote.transport import TransportError as MpremoteError

        try:
            yield
        except _LateError as error:
            if not late:
                raise
            raise self._gone("it fell silent") from error
        except serial.SerialTimeoutException as error:
            raise self._gone("it takes nothing more") from error
        except (OSError, serial.SerialException, TypeError) as error:
            raise self._gone(getattr(error, "strerror", None) or str(error)) from error
        except (MpremoteError, struct.error) as error:
            raise self._gone(f"it answers something unexpected ({error})") from error

    def _gone(self, why: str) -> TransportError:
        return TransportError(
            LOST, f"The board on {self._port} can't be asked any more: {why}.", "Check its cable, then retry."
        )

    def _no_prompt(self, heard: bytes) -> TransportError:
        cure = (
            "Check that it is the board's port: iastm doctor lists them. Where a program runs that lets nobody in, or "
            "no MicroPython is on the board, write an image first: iastm flash."
        )
        if not heard:
            return TransportError(
                SILENT_PORT, f"Nothing answers on {self._port} within {self._open_within_s:g} s.", cure
            )
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in heard[-60:])
        return TransportError(
            NO_PROMPT,
            f"What is on {self._port} sends something, but does not come to MicroPython's prompt within "
            f"{self._open_within_s:g} s. It sent last: {text}",
            cure,
        )


class _Wire:
    """A serial port as mpremote uses it; `read` raises _LateError where it would wait for longer than it may.

    `tail` is what came last.
    """

    def __init__(self, port: serial.Serial, clock: Callable[[], float]) -> None:
        self._port = port
        self._clock = clock
        self._received = bytearray()
        self._patience_s: float | None = None
        self._end_s = 0.0
        self.sent_bytes = 0
        self.tail = b""

    def wait(self, patience_s: float) -> None:
        """Wait so long from now on for any byte, and again after each."""
        self._patience_s = patience_s
        self._end_s = self._clock() + patience_s

    def wait_until(self, end_s: float) -> None:
        """Wait until then, whatever comes."""
        self._patience_s = None
        self._end_s = end_s

    def inWaiting(self) -> int:  # noqa: N802 - mpremote's name for it
        """Return how many bytes can be read at once."""
        self._fetch(0.0)
        return len(self._received)

    def read(self, n: int = 1) -> bytes:
        """Return `n` bytes."""
        if self._patience_s is None:
            # On the way to its prompt.
            if _DAMAGED in self.tail:
                raise _DamagedError
            if self._clock() >= self._end_s:
                # What never falls silent ends, too.
                raise _LateError
        while len(self._received) < n:
            self._fetch(_POLL_S)
            if len(self._received) < n and self._clock() >= self._end_s:
                raise _LateError
        data = bytes(self._received[:n])
        del self._received[:n]
        return data

    def read_past(self, ending: bytes) -> None:
        """Drop everything up to and with `ending`."""
        window = b""
        while not window.endswith(ending):
            window = (window + self.read(1))[-len(ending) :]

    def drain(self, quiet_s: float, at_most_s: float) -> None:
        """Drop what comes until nothing came for `quiet_s`."""
        now_s = self._clock()
        end_s, quiet_since_s = now_s + at_most_s, now_s
        while now_s < end_s and now_s - quiet_since_s < quiet_s:
            self._fetch(_POLL_S)
            now_s = self._clock()
            if self._received:
                self._received.clear()
                quiet_since_s = now_s

    def write(self, data: bytes) -> int:
        """Send `data` whole."""
        self._port.write(data)
        self.sent_bytes += len(data)
        return len(data)

    def close(self) -> None:
        """Drop RTS first, so that no board takes the closing for a reset into its bootloader."""
        for end in (self._drop_rts, self._port.close):
            with contextlib.suppress(OSError, serial.SerialException):
                end()

    def _drop_rts(self) -> None:
        self._port.rts = False

    def _fetch(self, timeout_s: float) -> None:
        self._port.timeout = timeout_s
        data = self._port.read(max(1, self._port.in_waiting))
        if data:
            self._received += data
            self.tail = (self.tail + data)[-_TAIL_BYTES:]
            if self._patience_s is not None:
                self._end_s = self._clock() + self._patience_s


class _Lines:
    """What a command prints, as mpremote hands it over, byte by byte."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self._on_line = on_line
        self._said = bytearray()
        self._told = 0

    def take(self, data: bytes) -> None:
        """Take what came; the end of text is no part of it."""
        self._said += data.replace(b"\x04", b"")
        if self._on_line is not None and data == b"\n":
            self._on_line(self._said[self._told :].decode(errors="replace").strip())
            self._told = len(self._said)

    def text(self) -> str:
        """Return all of it."""
        return self._said.decode(errors="replace").replace("\r\n", "\n")


def _open(name: str) -> serial.Serial:
    try:
        port: serial.Serial = serial.serial_for_url(name, do_not_open=True, baudrate=_BAUD)
        port.timeout = _POLL_S
        port.write_timeout = _WRITE_TIMEOUT_S
        if os.name == "posix" and "://" not in name:
            port.exclusive = True
        port.open()
    except Exception as error:
        # pyserial raises whatever it meets in a URL: KeyError, re.error, UnsupportedOperation.
        raise open_error(name, error) from error
    return port
