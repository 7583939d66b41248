"""The ROM bootloader of an ESP32 on a pseudo-terminal, as Espressif documents it ("Serial Protocol" of esptool's docs).

Packets are framed by SLIP (RFC 1055). A request is 0, command, length (u16), checksum (u32), data; an answer is 1,
command, length, value (u32), data, and four bytes of status, of which the first says failed and the second why. What is
written lies in `flash`. Faults are chosen when it is made.

What esptool uploads to make it faster, its stub, is taken and said to run: no machine code is run, but its commands are
known from then on.
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
import threading
import tty
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_END, _ESCAPE, _ESCAPED_END, _ESCAPED_ESCAPE = 0xC0, 0xDB, 0xDC, 0xDD
FLASH_BEGIN, FLASH_DATA, FLASH_END = 0x02, 0x03, 0x04
MEM_BEGIN, MEM_END, MEM_DATA = 0x05, 0x06, 0x07
SYNC, WRITE_REG, READ_REG = 0x08, 0x09, 0x0A
FLASH_DEFL_BEGIN, FLASH_DEFL_DATA, FLASH_DEFL_END = 0x10, 0x11, 0x12
SPI_SET_PARAMS, SPI_ATTACH, CHANGE_BAUDRATE = 0x0B, 0x0D, 0x0F
SPI_FLASH_MD5, GET_SECURITY_INFO = 0x13, 0x14
ERASE_FLASH = 0xD0
_STUB_RUNS = b"OHAI"
_ROM_HERE = 0x20120707
_FAILED_CHECKSUM, _UNKNOWN_COMMAND = 0x07, 0x05
_MAC = 0x1234_5678
_JEDEC_READ_ID = 0x9F
_SPI_RUN = 1 << 18


@dataclass(frozen=True, slots=True)
class RomChip:
    """What tells one chip from another: its number in the security info, its SPI unit, its fuses."""

    name: str
    number: int
    spi_base: int
    fuses: int
    mac: int


C3 = RomChip("ESP32-C3", 5, 0x6000_2000, 0x6000_8844, 0x6000_8844)
S3 = RomChip("ESP32-S3", 9, 0x6000_2000, 0x6000_7044, 0x6000_7044)
C6 = RomChip("ESP32-C6", 13, 0x6000_3000, 0x600B_0844, 0x600B_0844)
PSRAM_2_MB, PSRAM_8_MB = 2 << 3, 1 << 3
"""Of an ESP32-S3, in the fifth word of fuse block 1."""


class RomLoader:
    """Answers at `port` until it is closed.

    `psram` is that word of fuses. `silent`: nothing is answered. `gone_after` is how many bytes are written before the
    port goes away, as by a cable that is pulled. `wrong_md5`: what is read back is not what was written. `stops_after`
    is how many bytes are written before it says nothing more, until `go_on` is set.
    """

    def __init__(
        self,
        chip: RomChip,
        *,
        flash_mb: int = 4,
        psram: int = 0,
        silent: bool = False,
        gone_after: int | None = None,
        wrong_md5: bool = False,
        stops_after: int | None = None,
    ) -> None:
        self.chip = chip
        self.flash = bytearray(b"\xff" * (flash_mb * 1024 * 1024))
        self.commands: list[int] = []
        self.erased_bytes = 0
        self.stub_runs = False
        self.stopped = threading.Event()
        self.go_on = threading.Event()
        self._stops_after = stops_after
        self._inflating = zlib.decompressobj()
        self._silent = silent
        self._gone_after = gone_after
        self._wrong_md5 = wrong_md5
        self._registers = {chip.fuses + 16: psram, chip.mac: _MAC}
        self._jedec_id = (flash_mb * 1024 * 1024).bit_length() - 1 << 16 | 0x40EF
        self._at = self._written = self._inflated = 0
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        # A link, which goes when the port does: its number may be that of another test's port by then.
        self._folder = Path(tempfile.mkdtemp(prefix="iastm-rom-"))
        link = self._folder / "port"
        link.symlink_to(os.ttyname(self._slave))
        self.port = str(link)
        self._thread = threading.Thread(target=self._serve, name="rom loader", daemon=True)
        self._thread.start()

    @property
    def written_bytes(self) -> int:
        """How many bytes came to the flash."""
        return self._written

    def close(self) -> None:
        """Take the port away."""
        self.go_on.set()
        self._hang_up()
        self._folder.rmdir()
        self._thread.join(10.0)
        assert not self._thread.is_alive()

    def _hang_up(self) -> None:
        Path(self.port).unlink(missing_ok=True)
        slave, self._slave = self._slave, -1
        if slave >= 0:
            os.close(slave)
        master, self._master = self._master, -1
        if master >= 0:
            os.close(master)

    def _serve(self) -> None:
        try:
            for packet in self._packets():
                self._take(packet)
        except OSError:
            return  # whoever had the port open closed it after we let go of ours

    def _packets(self) -> Iterator[bytes]:
        packet: bytearray | None = None
        escaped = False
        while self._master >= 0:
            for byte in os.read(self._master, 4096):
                if byte == _END:
                    if packet:
                        yield bytes(packet)
                    packet = bytearray()
                elif packet is None:
                    continue
                elif escaped:
                    packet.append({_ESCAPED_END: _END, _ESCAPED_ESCAPE: _ESCAPE}[byte])
                    escaped = False
                elif byte == _ESCAPE:
                    escaped = True
                else:
                    packet.append(byte)

    def _take(self, packet: bytes) -> None:
        direction, command, length, checksum = struct.unpack_from("<BBHI", packet)
        data = packet[8:]
        if self._silent or direction != 0 or length != len(data):
            return
        self.commands.append(command)
        if command == SYNC:
            # Each answers eight times, the ROM alone with a number.
            for _ in range(8):
                self._answer(command, 0 if self.stub_runs else _ROM_HERE)
        elif command in (SPI_SET_PARAMS, SPI_ATTACH, CHANGE_BAUDRATE, FLASH_END, MEM_BEGIN, MEM_DATA):
            self._answer(command, 0)
        elif self.stub_runs and command in (ERASE_FLASH, FLASH_DEFL_BEGIN, FLASH_DEFL_DATA, FLASH_DEFL_END):
            self._take_as_stub(command, data, checksum)
        else:
            self._take_as_rom(command, data, checksum)

    def _take_as_rom(self, command: int, data: bytes, checksum: int) -> None:
        if command == READ_REG:
            (address,) = struct.unpack("<I", data)
            self._answer(command, self._registers.get(address, 0))
        elif command == WRITE_REG:
            address, value, _mask, _delay = struct.unpack_from("<4I", data)
            self._write_register(address, value)
            self._answer(command, 0)
        elif command == GET_SECURITY_INFO:
            self._answer(command, 0, struct.pack("<IBBBBBBBBII", 0, 0, *([0] * 7), self.chip.number, 0))
        elif command == FLASH_BEGIN:
            erased, _blocks, _size, self._at = struct.unpack_from("<4I", data)
            self.erased_bytes += erased
            self.flash[self._at : self._at + erased] = b"\xff" * erased
            self._answer(command, 0)
        elif command == FLASH_DATA:
            self._write(data, checksum)
        elif command == SPI_FLASH_MD5:
            address, size, _, _ = struct.unpack("<4I", data)
            told = hashlib.md5(self.flash[address : address + size]).digest()
            told = told[::-1] if self._wrong_md5 else told
            # The ROM tells it in hex, the stub as it is.
            self._answer(command, 0, told if self.stub_runs else told.hex().encode())
        elif command == MEM_END:
            self._answer(command, 0)
            self.stub_runs = True
            self._send(_STUB_RUNS)
        else:
            self._answer(command, 0, failed=_UNKNOWN_COMMAND)

    def _take_as_stub(self, command: int, data: bytes, checksum: int) -> None:
        if command == ERASE_FLASH:
            self.erased_bytes += len(self.flash)
            self.flash[:] = b"\xff" * len(self.flash)
        elif command == FLASH_DEFL_BEGIN:
            size, _blocks, _block_size, self._at = struct.unpack_from("<4I", data)
            erased = -(-size // 4096) * 4096
            self.erased_bytes += erased
            self.flash[self._at : self._at + erased] = b"\xff" * erased
            self._inflating, self._inflated = zlib.decompressobj(), 0
        elif command == FLASH_DEFL_DATA:
            self._inflate(data, checksum)
            return
        self._answer(command, 0)

    def _inflate(self, data: bytes, checksum: int) -> None:
        (size,) = struct.unpack_from("<I", data)
        block = data[16 : 16 + size]
        if _checksum(block) != checksum:
            self._answer(FLASH_DEFL_DATA, 0, failed=_FAILED_CHECKSUM)
            return
        inflated = self._inflating.decompress(block)
        at = self._at + self._inflated
        self.flash[at : at + len(inflated)] = inflated
        self._inflated += len(inflated)
        self._took(FLASH_DEFL_DATA, len(inflated))

    def _write_register(self, address: int, value: int) -> None:
        spi = self.chip.spi_base
        if address == spi and value & _SPI_RUN:
            # It is done at once: the bit reads as 0 again.
            if self._registers.get(spi + 0x20, 0) & 0xFF == _JEDEC_READ_ID:
                self._registers[spi + 0x58] = self._jedec_id
            return
        self._registers[address] = value

    def _write(self, data: bytes, checksum: int) -> None:
        size, number, _, _ = struct.unpack_from("<4I", data)
        block = data[16 : 16 + size]
        if _checksum(block) != checksum:
            self._answer(FLASH_DATA, 0, failed=_FAILED_CHECKSUM)
            return
        at = self._at + number * size
        self.flash[at : at + size] = block
        self._took(FLASH_DATA, size)

    def _took(self, command: int, size: int) -> None:
        """Answer a piece that lies in the flash, unless something is to go wrong with it."""
        self._written += size
        if self._gone_after is not None and self._written >= self._gone_after:
            self._hang_up()
            return
        if self._stops_after is not None and self._written >= self._stops_after:
            self.stopped.set()
            self.go_on.wait()
        self._answer(command, 0)

    def _answer(self, command: int, value: int, data: bytes = b"", failed: int = 0) -> None:
        status = bytes((1, failed, 0, 0)) if failed else bytes(4)
        self._send(struct.pack("<BBHI", 1, command, len(data) + 4, value) + data + status)

    def _send(self, packet: bytes) -> None:
        framed = packet.replace(bytes((_ESCAPE,)), bytes((_ESCAPE, _ESCAPED_ESCAPE)))
        framed = framed.replace(bytes((_END,)), bytes((_ESCAPE, _ESCAPED_END)))
        if self._master >= 0:
            os.write(self._master, bytes((_END,)) + framed + bytes((_END,)))


def _checksum(block: bytes) -> int:
    checksum = 0xEF
    for byte in block:
        checksum ^= byte
    return checksum
