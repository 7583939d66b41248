"""A played board: a pseudo-terminal whose other end is a real MicroPython program that behaves as a board does.

What runs on the board is board.py, under MicroPython's Unix port; here is what its hardware does: it gets power and
loses it, resets, wakes its watchdog, turns Ctrl-C into an interrupt, is plugged in and out. A board with USB of its own
comes back under another pseudo-terminal after a reset; `port` is a link to that of now, as /dev/serial/by-id has them.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import threading
import time
import tty
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from iastm_host.transports.runtime import Runtime, find_runtime, package_folder

_BOARD = Path(__file__).with_name("board.py")
_BLOCK = 4096
_HEAP_BYTES = 4 << 20
_PIECE = 1024
_AWAY_S = 0.05
_TURN_S = 0.02
_LIMIT_S = 60.0
_CTRL_C = 3
# TinyUSB's port drops what no host takes for so long.
_NOT_TAKEN_S = 0.5
_MEMORY_BYTES = 64


class PlayedBoard:
    """One board; off, and its flash empty, until `power_on`.

    `implementation` replaces fields of the board's sys.implementation. `dog_scale` shortens its watchdog. `frozen_main`
    is a main.py in its image. A board with a `bridge` keeps its port over a reset, as one does whose USB socket is a
    converter chip.
    """

    def __init__(
        self,
        folder: Path,
        runtime: Runtime,
        *,
        blocks: int = 512,
        file_system: str = "littlefs",
        raw_paste: bool = True,
        hashes: bool = True,
        heap_free: int | None = None,
        implementation: Mapping[str, object] | None = None,
        platform: str = "rp2",
        frozen_main: str = "",
        bridge: bool = False,
        dog_scale: float = 1.0,
    ) -> None:
        self.port = folder / "port"
        self.received_bytes = 0
        self.writes = 0
        self.lives: list[str] = []
        self.said = b""
        self._folder = folder
        self._runtime = runtime
        self._image = folder / "flash"
        self._memory = folder / "memory"
        self._bridge = bridge
        self._dog_scale = dog_scale
        self._settings: dict[str, Any] = {
            "image": str(self._image),
            "memory": str(self._memory),
            "simulated": str(package_folder("iastm_simulated")),
            "protocol": str(package_folder("iastm_protocol")),
            "blocks": blocks,
            "file_system": file_system,
            "make_file_system": False,
            "raw_paste": raw_paste,
            "hashes": hashes,
            "heap_free": heap_free,
            "implementation": dict(implementation or {}),
            "platform": platform,
            "frozen_main": frozen_main,
            "corrupt": "",
            "put": {},
        }
        self._unplug_after: int | None = None
        self._cut_at: int | None = None
        self._thread: threading.Thread | None = None
        self._wake_read, self._wake_write = os.pipe()
        self._is_off = threading.Event()
        self._is_off.set()
        self._ends = False
        self._fds: tuple[int, int] | None = None
        self._image.write_bytes(b"\xff" * (_BLOCK * blocks))
        self._memory.write_bytes(bytes(_MEMORY_BYTES))
        self._settings["make_file_system"] = True
        self.put({})
        self._settings["make_file_system"] = False

    # What a person does

    def put(self, files: Mapping[str, bytes | None]) -> dict[str, bytes]:
        """Put files onto the flash of a board that is off, None removes one; return all that are on it."""
        assert self._is_off.is_set(), "the board is on"
        put = {path: None if data is None else base64.b64encode(data).decode() for path, data in files.items()}
        ran = subprocess.run(
            self._command("tend", "PWRON_RESET", 2, put=put, cut_at=0, corrupt=""),
            check=False,
            capture_output=True,
            timeout=_LIMIT_S,
        )
        lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith(b"[")]
        assert ran.returncode == 0, (ran.stdout[-2000:], ran.stderr[-2000:])
        return {path: base64.b64decode(text) for path, text in lines}

    def files(self) -> dict[str, bytes]:
        """Return all files of a board that is off."""
        return self.put({})

    def power_on(self, *, cut_at: int = 0, corrupt: str = "", unplug_after: int | None = None) -> None:
        """Give it power; returns once its port is there.

        `cut_at`: the power goes amid the flash's write or erase of that number from now on. `corrupt`: the first time
        in a life that these characters are written, one of them rots soon after. `unplug_after`: its cable is pulled
        once it got so many bytes.
        """
        assert self._is_off.is_set(), "the board is on"
        self._settings |= {"corrupt": corrupt}
        self._cut_at = self.writes + cut_at if cut_at else None
        self.lives = []
        self.said = b""
        self._unplug_after = None if unplug_after is None else self.received_bytes + unplug_after
        self._ends = False
        self._is_off.clear()
        self._plug_in()
        self._thread = threading.Thread(target=self._live, name="played board")
        self._thread.start()

    def power_off(self) -> None:
        """Pull its cable."""
        self._ends = True
        os.write(self._wake_write, b"!")
        self.wait_off()

    def wait_off(self) -> None:
        """Wait until it is off: its power was cut, or its cable pulled."""
        assert self._is_off.wait(_LIMIT_S), "the board stays on"
        if self._thread is not None:
            self._thread.join(_LIMIT_S)
            self._thread = None

    def wait_for(self, *words: str, within_s: float = _LIMIT_S) -> str:
        """Wait until it said one of these on its port in the life that it is in; return which."""
        end_s = time.monotonic() + within_s
        while True:
            said = self.said.decode(errors="replace")
            for each in words:
                if each in said:
                    return each
            assert time.monotonic() < end_s, (words, self.lives, said)
            assert not self._is_off.is_set(), ("it is off", self.lives, said)
            time.sleep(_TURN_S / 4)

    @property
    def is_on(self) -> bool:
        """Whether it has power."""
        return not self._is_off.is_set()

    def flash(self) -> bytes:
        """Return the whole flash of a board that is off, to be given to `put_flash`."""
        assert self._is_off.is_set(), "the board is on"
        return self._image.read_bytes()

    def put_flash(self, flash: bytes) -> None:
        """Have the flash be as it was once."""
        assert self._is_off.is_set(), "the board is on"
        self._image.write_bytes(flash)

    def close(self) -> None:
        """Pull its cable, and throw it away."""
        if not self._is_off.is_set() or self._thread is not None:
            self.power_off()
        os.close(self._wake_read)
        os.close(self._wake_write)

    # What the hardware does

    def _command(self, mode: str, cause: str, tell_fd: int, **more: object) -> list[str]:
        left = 0 if self._cut_at is None else max(self._cut_at - self.writes, 0)
        life = {"mode": mode, "cause": cause, "tell_fd": tell_fd, "cut_at": left}
        path = self._folder / "settings.json"
        path.write_text(json.dumps({**self._settings, **life, **more}))
        return [*self._runtime.command, "-X", f"heapsize={_HEAP_BYTES}", str(_BOARD), str(path)]

    def _plug_in(self) -> None:
        master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        # Held open, so that the other end may be closed and opened again.
        self._fds = (master, slave)
        link = self._folder / "port.new"
        link.symlink_to(os.ttyname(slave))
        link.replace(self.port)

    def _pull_out(self) -> None:
        if self._fds is None:
            return
        self.port.unlink(missing_ok=True)
        for fd in self._fds:
            os.close(fd)
        self._fds = None

    def _live(self) -> None:
        mode, cause = "power", "PWRON_RESET"
        try:
            while not self._ends:
                self.said = b""
                with _Life(self, mode, cause) as life:
                    why = life.last()
                self.lives.append(why)
                if why in ("reset", "dog"):
                    mode, cause = "power", "WDT_RESET"
                    if not self._bridge:
                        self._pull_out()
                        time.sleep(_AWAY_S)
                        self._plug_in()
                elif why.startswith("soft "):
                    mode = why.split()[1]
                else:
                    break
        finally:
            self._memory.write_bytes(bytes(_MEMORY_BYTES))
            self._pull_out()
            self._is_off.set()


class _Life:
    """From one start of the interpreter to the next; its port stays the same."""

    def __init__(self, board: PlayedBoard, mode: str, cause: str) -> None:
        self._board = board
        told, tell = os.pipe()
        self._process = subprocess.Popen(
            board._command(mode, cause, tell),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(tell,),
            bufsize=0,
        )
        os.close(tell)
        self._told = told
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._stdin, False)
        os.set_blocking(self._stdout, False)
        os.set_blocking(told, False)
        self._words = b""
        self._waiting = b""
        self._leaving = b""
        self._leaving_since_s = 0.0
        self._interrupts = False
        self._dog_s: float | None = None
        self._bites_at_s = 0.0

    def __enter__(self) -> _Life:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=_LIMIT_S)
        os.close(self._told)

    def last(self) -> str:
        """Carry bytes between port and interpreter until this life ends; return why it does."""
        board = self._board
        assert board._fds is not None
        master = board._fds[0]
        while True:
            # Whatever is full is waited for, and nothing more is taken from its other side.
            reads = [self._told, board._wake_read]
            reads += [] if self._waiting else [master]
            reads += [] if self._leaving else [self._stdout]
            writes = [self._stdin] if self._waiting else []
            writes += [master] if self._leaving else []
            ready, _, _ = select.select(reads, writes, [], _TURN_S)
            if board._wake_read in ready:
                os.read(board._wake_read, 100)
            if board._ends:
                return "off"
            why = self._hear()
            self._to_port(master)
            if why:
                return why
            if self._process.poll() is not None:
                return f"it ended with {self._process.returncode}"
            if self._dog_s is not None and time.monotonic() >= self._bites_at_s:
                return "dog"
            if master in ready:
                self._from_port(master)
                if board._unplug_after is not None and board.received_bytes >= board._unplug_after:
                    return "unplugged"
            self._to_board()

    def _hear(self) -> str:
        for words in self._lines():
            if words == "write":
                self._board.writes += 1
            elif words.startswith("interrupts "):
                self._interrupts = words.endswith("1")
            elif words.startswith("dog "):
                self._dog_s = int(words.split()[1]) / 1000 * self._board._dog_scale
                self._bites_at_s = time.monotonic() + self._dog_s
            elif words == "fed":
                self._bites_at_s = time.monotonic() + (self._dog_s or 0)
            else:
                return words
        return ""

    def _lines(self) -> Iterator[str]:
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._told, 4096):
                self._words += data
        *lines, self._words = self._words.split(b"\n")
        for line in lines:
            yield line.decode()

    def _to_port(self, master: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while not self._leaving and (data := os.read(self._stdout, _PIECE)):
                self._board.said = (self._board.said + data)[-4096:]
                self._leaving = data
                self._leaving_since_s = time.monotonic()
                self._leave(master)
        self._leave(master)

    def _leave(self, master: int) -> None:
        with contextlib.suppress(BlockingIOError):
            self._leaving = self._leaving[os.write(master, self._leaving) :]
        if self._leaving and time.monotonic() > self._leaving_since_s + _NOT_TAKEN_S:
            self._leaving = b""

    def _from_port(self, master: int) -> None:
        try:
            data = os.read(master, _PIECE)
        except OSError:
            return
        self._board.received_bytes += len(data)
        if self._interrupts and _CTRL_C in data:
            self._process.send_signal(signal.SIGINT)
            data = data.replace(bytes([_CTRL_C]), b"")
        self._waiting += data

    def _to_board(self) -> None:
        if not self._waiting:
            return
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            sent = os.write(self._stdin, self._waiting)
            self._waiting = self._waiting[sent:]


@contextlib.contextmanager
def played_boards(folder: Path) -> Iterator[Callable[..., PlayedBoard]]:
    """Give what makes played boards, with the arguments of PlayedBoard after its first two; pulls all cables then.

    Skips where no MicroPython is at hand.
    """
    runtime = find_runtime(os.environ)
    if runtime.name != "micropython":
        pytest.skip("needs MicroPython")
    made: list[PlayedBoard] = []

    def make(**options: Any) -> PlayedBoard:
        own = folder / f"board {len(made)}"
        own.mkdir()
        made.append(PlayedBoard(own, runtime, **options))
        return made[-1]

    try:
        yield make
    finally:
        for board in made:
            board.close()
