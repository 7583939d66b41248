"""A program: an emulated Raspberry Pi Pico on a pseudo-terminal, whose flash outlasts it.

usage: emulator.py IMAGE FLASH JOURNAL

IMAGE is a UF2. FLASH is the file system's part of the flash as the chip finds it, erased where there is no such file.
Every erasure and programming goes to the end of JOURNAL before the chip goes on: its kind, its place within that part
and its bytes, as `journal.py` reads them. So the process can be killed at any moment, as a Pico loses its power, and
what its flash held then is FLASH with JOURNAL. Prints the name of the port, then one line for each restart of the chip:
"bite" where its watchdog ran out, else "restart".

The port stays where it is while the chip restarts; that of a real one goes away for a moment.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import IO

from rp2040py.boards import BOARDS, resolve_firmware
from rp2040py.cli.pty_repl import PtyInteractiveRepl
from rp2040py.device import MicroPythonDevice, ResetCause
from rp2040py.peripherals.ssi import CMD_BLOCK_ERASE, CMD_PAGE_PROGRAM, CMD_SECTOR_ERASE, RPSSI
from rp2040py.peripherals.watchdog import REASON, TIMER
from tests.emulated.journal import ERASE, PROGRAM, Change

_BOOT_TIMEOUT_S = 120.0
_HEAD_BYTES = 4
# Once per frame of the USB.
_NOTHING_EVERY_US = 1000
_ERASED_BYTES = {bytes((CMD_SECTOR_ERASE,)): 4096, bytes((CMD_BLOCK_ERASE,)): 65536}


async def _run(image: str, flash: bytes, journal: IO[bytes]) -> None:
    board = resolve_firmware(BOARDS["pico"], "micropython", image)
    device = MicroPythonDevice(board=board)
    layout = board.layout
    assert layout is not None
    begin, size = layout.fs_start, layout.fs_blockcount * layout.fs_blocksize
    assert len(flash) in (0, size), "the flash is that of another board"
    device.mcu.flash[begin : begin + len(flash)] = flash
    (ssi,) = (part for part in device.mcu.peripherals.values() if isinstance(part, RPSSI))
    apply, restart = ssi._apply_command, device.hard_reset

    def applied() -> None:
        change = _change(bytes(ssi._tx_buffer)) if ssi._write_enabled else None
        if change is not None and begin <= change.place < begin + size:
            journal.write(change._replace(place=change.place - begin).encoded())
        apply()

    def restarted(*, cause: ResetCause = ResetCause.RUN_PIN) -> None:
        print("bite" if device.mcu.watchdog.read_uint32(REASON) == TIMER else "restart", flush=True)
        restart(cause=cause)

    _calm(device)
    ssi._apply_command = applied  # type: ignore[method-assign]
    device.hard_reset = restarted  # type: ignore[method-assign]
    await device.astart(_BOOT_TIMEOUT_S)
    port = PtyInteractiveRepl(device.cdc, device.simulator, on_quit=device.simulator.shutdown_request.request)
    await port.start()
    print(port.slave_path, flush=True)
    # Until whoever started it ends it.
    await device.simulator.wait_for(asyncio.Event(), None)


def _calm(device: MicroPythonDevice) -> None:
    """Let the computer's end of the USB say seldom that it has nothing to say; a real one does not say it at all.

    The emulated one says so every ten microseconds, with an interrupt each time: the chip would never rest, and a
    second of it take three times as long.
    """
    usb = device.mcu.usb_ctrl
    done = usb.endpoint_read_done

    def sometime_done(endpoint: int, buffer: bytes | bytearray, delay: int | None = None) -> None:
        done(endpoint, buffer, delay if buffer or endpoint == 0 else _NOTHING_EVERY_US)

    usb.endpoint_read_done = sometime_done  # type: ignore[method-assign]


def _change(command: bytes) -> Change | None:
    """Return what a command to the flash chip changes, None where it changes nothing."""
    place = int.from_bytes(command[1:_HEAD_BYTES], "big")
    if command[:1] in _ERASED_BYTES and len(command) >= _HEAD_BYTES:
        size = _ERASED_BYTES[command[:1]]
        return Change(ERASE, place & ~(size - 1), b"\xff" * size)
    if command[:1] == bytes((CMD_PAGE_PROGRAM,)) and len(command) > _HEAD_BYTES:
        return Change(PROGRAM, place, command[_HEAD_BYTES:])
    return None


def main() -> None:
    """Run until it is killed."""
    image, flash, journal = sys.argv[1:]
    content = Path(flash).read_bytes() if Path(flash).exists() else b""
    with Path(journal).open("ab", buffering=0) as stream:
        asyncio.run(_run(image, content, stream))


if __name__ == "__main__":
    main()
