"""A tool on a serial port, a pseudo-terminal or `socket://host:port`."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import serial
from serial.tools import list_ports

from iastm_host.events import Chunk
from iastm_host.transports.base import (
    BUSY,
    LOST,
    NO_RIGHTS,
    NOT_A_PORT,
    NOT_FOUND,
    NOT_READING,
    SILENCE_S,
    Clock,
    Inbox,
    Transport,
    TransportError,
)
from iastm_host.transports.ports import Holder, holders_of, named

_BAUD = 115_200
_READ_BYTES = 65_536
_WRITE_TIMEOUT_S = 1.0
# A stop shall take effect within a second, whatever the system is about to open.
_GIVE_UP_S = 0.5
_LOOK_EVERY_S = 0.05


class SerialTransport(Transport):
    """Reads in the event loop where the port has a file descriptor, in a thread where it has none (Windows).

    `holders` says which programs have a port that is busy.
    """

    mtu: int | None = None

    def __init__(
        self,
        port: str,
        clock: Clock,
        *,
        threaded: bool = os.name == "nt",
        holders: Callable[[str], list[Holder]] = holders_of,
    ) -> None:
        self._name = port
        self._holders = holders
        self._clock = clock
        self._threaded = threaded
        self._port: serial.Serial | None = None
        self._inbox = Inbox(clock)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fd = -1
        self._thread: threading.Thread | None = None

    async def open(self) -> None:
        """Open the port for this program alone, with DTR and RTS asserted (USB CDC is silent without DTR).

        Cancelled, it leaves the port closed.
        """
        self._loop = asyncio.get_running_loop()
        self._inbox = Inbox(self._clock)
        if not self._name.strip():
            raise TransportError(NOT_A_PORT, "No port is named.", _ports_there_are())
        opening = asyncio.ensure_future(asyncio.to_thread(self._open_port))
        try:
            port = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The thread goes on; the next one to open shall not find the port busy because of it.
            opening.add_done_callback(_close_unwanted)
            await asyncio.wait([opening], timeout=_GIVE_UP_S)
            raise
        except Exception as error:
            # pyserial raises whatever it meets in a URL: KeyError, re.error, UnsupportedOperation.
            raise await asyncio.to_thread(open_error, self._name, error, self._holders) from error
        self._port = port
        if self._threaded:
            self._thread = threading.Thread(target=self._read_in_thread, args=(port,), name="serial", daemon=True)
            self._thread.start()
        else:
            self._fd = port.fileno()
            os.set_blocking(self._fd, False)
            self._loop.add_reader(self._fd, self._readable)

    def _open_port(self) -> serial.Serial:
        port: serial.Serial = serial.serial_for_url(self._name, do_not_open=True, baudrate=_BAUD)
        port.timeout = SILENCE_S if self._threaded else 0
        port.write_timeout = _WRITE_TIMEOUT_S
        if os.name == "posix" and "://" not in self._name:
            port.exclusive = True
        port.open()
        try:
            number = port.fileno()
        except io.UnsupportedOperation:
            if self._threaded:
                return port
            port.close()
            raise
        if self._name.startswith("socket://"):
            _send_at_once(number)
        return port

    async def rediscovered(self) -> None:
        """Return once the port's name, which was gone, is there again."""
        if "://" in self._name:
            await super().rediscovered()
        gone = False
        # No event of a file system tells it on every system.
        while not (gone and self._is_there()):
            gone = gone or not self._is_there()
            await asyncio.sleep(_LOOK_EVERY_S)

    def _is_there(self) -> bool:
        if os.name == "nt":
            return any(port.device == self._name for port in list_ports.comports())
        return Path(self._name).exists()

    async def read(self) -> Chunk:
        """Return what arrived, or an empty chunk after 100 ms."""
        return await self._inbox.take()

    async def write(self, data: bytes, *, privileged: bool = False) -> None:
        """Send `data` whole; a port that takes nothing for one second is an error."""
        del privileged
        port = self._port
        if port is None:
            raise self._lost("it was closed")
        if self._threaded:
            try:
                await asyncio.to_thread(port.write, data)
            except serial.SerialTimeoutException as error:
                raise self._not_reading() from error
            except (serial.SerialException, OSError) as error:
                raise self._lost(str(error)) from error
            return
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._fd, view) :]
            except BlockingIOError:
                await self._writable()
            except OSError as error:
                raise self._lost(error.strerror or str(error)) from error

    async def close(self) -> None:
        """Drop RTS first, so that no board takes the closing for a reset into its bootloader."""
        port, self._port = self._port, None
        if port is None:
            return
        if self._loop is not None and self._fd >= 0:
            self._loop.remove_reader(self._fd)
        with contextlib.suppress(OSError, serial.SerialException):
            port.rts = False
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 2.0)
        _close(port)

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error.strerror or str(error))
            return
        if data:
            self._inbox.put(data)
        else:
            self._end("the other side closed it")

    def _end(self, why: str) -> None:
        if self._loop is not None:
            self._loop.remove_reader(self._fd)
        self._inbox.fail(self._lost(why))

    def _read_in_thread(self, port: serial.Serial) -> None:
        assert self._loop is not None
        while self._port is port:
            try:
                data = port.read(max(1, port.in_waiting))
            except (serial.SerialException, OSError, TypeError) as error:
                if self._port is port:
                    self._loop.call_soon_threadsafe(self._inbox.fail, self._lost(str(error)))
                return
            if data:
                self._loop.call_soon_threadsafe(self._inbox.put, data)

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(self._fd, ready.set)
        try:
            async with asyncio.timeout(_WRITE_TIMEOUT_S):
                await ready.wait()
        except TimeoutError as error:
            raise self._not_reading() from error
        finally:
            loop.remove_writer(self._fd)

    def _not_reading(self) -> TransportError:
        return TransportError(
            NOT_READING,
            f"The tool on {self._name} did not take what was sent to it for {_WRITE_TIMEOUT_S:g} s.",
            "Unplug the tool, plug it in again, then retry.",
        )

    def _lost(self, why: str) -> TransportError:
        return TransportError(
            LOST, f"The link to {self._name} is gone: {why}.", "Check cable and power of the tool, then connect again."
        )


def _close_unwanted(opening: asyncio.Future[serial.Serial]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        _close(opening.result())


def _close(port: serial.Serial) -> None:
    # pyserial keeps a socket whose other end has gone, and sleeps for 0.3 s after closing one.
    link = getattr(port, "_socket", None)
    if link is not None:
        link.close()
        port.is_open = False
    with contextlib.suppress(OSError, serial.SerialException):
        port.close()


def _send_at_once(number: int) -> None:
    """Let a socket send small messages at once, instead of waiting for the answer to the one before."""
    connection = socket.socket(fileno=number)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    finally:
        # The descriptor stays pyserial's.
        connection.detach()


def open_error(name: str, error: Exception, holders: Callable[[str], list[Holder]] = holders_of) -> TransportError:
    """Return in words, with a cure, why the port `name` could not be opened; `holders` tells who has it open."""
    number = _system_error(error)
    text = str(error)
    if number == errno.ENOENT or "FileNotFoundError" in text:
        return TransportError(NOT_FOUND, f"There is no port {name}.", _ports_there_are())
    if name.startswith("socket://") and number is None:
        return TransportError(
            NOT_A_PORT, f"{name} is no address.", "Write socket://HOST:PORT, as socket://127.0.0.1:5000."
        )
    if number == errno.ECONNREFUSED or "Connection refused" in text:
        return TransportError(NOT_FOUND, f"Nothing listens at {name}.", "Start the tool or simulator there first.")
    if number in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK):
        return busy(name, holders(name))
    if number in (errno.EACCES, errno.EPERM) or "PermissionError" in text:
        if os.name == "nt":
            return TransportError(BUSY, f"{name} is busy or not allowed.", "Close the program that has it, then retry.")
        return no_rights(name)
    if number in (errno.ENOTTY, errno.EINVAL, errno.EISDIR, errno.ENODEV, errno.ENXIO, errno.EIO) or isinstance(
        error, ValueError
    ):
        return TransportError(NOT_A_PORT, f"{name} is not a serial port.", _ports_there_are())
    return TransportError(NOT_A_PORT, f"{name} can't be opened: {text}.", _ports_there_are())


def busy(name: str, holders: list[Holder]) -> TransportError:
    """Return the error of a port that another program has open, which names it where it can be known."""
    who = named(holders)
    if not who:
        return TransportError(
            BUSY,
            f"{name} is busy: another program has it open.",
            "Close that program (a serial monitor, an editor's device panel, a second iastm), then retry.",
        )
    if len(holders) == 1:
        return TransportError(BUSY, f"{name} is busy: {who} has it open.", "Close that program, then retry.")
    return TransportError(BUSY, f"{name} is busy: {who} have it open.", "Close those programs, then retry.")


def no_rights(name: str) -> TransportError:
    """Return the error of a port that this user may not open."""
    return TransportError(
        NO_RIGHTS,
        f"You have no right to open {name}.",
        "Run: sudo usermod -aG dialout $USER   then log out and in again.",
    )


def _system_error(error: BaseException) -> int | None:
    # pyserial wraps what termios says in a SerialException without its number.
    number = getattr(error, "errno", None)
    if number is None and error.__context__ is not None:
        first = next(iter(error.__context__.args), None)
        return first if isinstance(first, int) else None
    return number if isinstance(number, int) else None


def _ports_there_are() -> str:
    ports = [port.device for port in list_ports.comports()]
    if ports:
        return f"Ports here: {', '.join(ports)}. Give one of them with --port, or try without hardware: iastm demo."
    return "No serial port is here. Plug the tool in, or try without hardware: iastm demo."
