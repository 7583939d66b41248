"""Try a board.py before there is hardware: check its table, and start it on a played chip under a real MicroPython.

    .venv/bin/python scripts/try_board.py board.py [--i2c 0x40=8000012C] [--spi 00012C]

Prints what is wrong with the table, or what did not start, and the first conversions. Nothing is at the played pins;
an input without a pull-up is low. `--i2c ADDRESS=BYTES` puts a chip onto the bus whose registers from 0 on are these
bytes; what is written to a register stays in it. `--spi BYTES` is what each reading begins with; without it, zeros.

Exits with 1 where the table is wrong or no conversion came.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# What a board imports, with the played machine of the tests beside it.
_PLAYED = """
import sys
import boards_machine as played
from iastm_firmware import start
from iastm_firmware.pins import faults_of
import board

if not hasattr(board, "WIRING"):
    print("wrong: board.py has no WIRING; a class Board can't be tried here")
    sys.exit(1)
faults = faults_of(board.WIRING)
for fault in faults:
    print("wrong:", fault)
if faults:
    sys.exit(1)
port = "rp2" if board.WIRING["chip"].startswith("RP") else "esp32"
machine = played.Machine(port)
machine.devices.update(DEVICES)

class Spi:
    def readinto(self, buffer, write=0):
        buffer[:] = (SPI + bytes(len(buffer)))[: len(buffer)]
    def write(self, data):
        pass
    def write_readinto(self, data, buffer):
        self.readinto(buffer)
machine.SPI = lambda number, **settings: Spi()

def load(name):
    return played.Module(NeoPixel=played.NeoPixel) if name == "neopixel" else start.load(name)

ran = []
model = played.MODELS[board.WIRING["chip"].split(" ")[0]]
stream = lambda ticks_us: played.Stream()
start.start(start.System(machine, machine.times, port, model, load, stream, print, ran.append))
made = ran[0]
seen = 0
for _ in range(1000):
    try:
        while seen < 5 and made.adc.next_conversion():
            seen += 1
            said = (made.adc.counts, made.adc.ticks, made.adc.missed)
            print("conversion: counts %d, at %d us, missed before %d" % said)
    except OSError:
        pass  # Told in `trouble`, below.
    machine.times.sleep_ms(2)
if made.trouble:
    print("trouble:", made.trouble)
print("%s: %s" % (made.name, "conversions come" if seen else "no conversion in two seconds"))
sys.exit(0 if seen else 1)
"""


def tried(board: Path, devices: dict[int, bytes], spi: bytes) -> subprocess.CompletedProcess[str]:
    """Return what MicroPython printed for this board.py. Raises FileNotFoundError where there is no MicroPython."""
    beside = str(Path(sys.executable).parent)
    found = os.environ.get("MICROPYTHON") or shutil.which("micropython", path=beside) or shutil.which("micropython")
    if found is None:
        raise FileNotFoundError("no micropython: run make setup, or set $MICROPYTHON")
    rooms = (ROOT / "tests/firmware", ROOT / "firmware_micropython", ROOT / "protocol")
    registers = {address: dict(enumerate(values)) for address, values in devices.items()}
    with tempfile.TemporaryDirectory() as folder:
        # Alone, because what is stored, and read at a start, is stored here.
        shutil.copy(board, Path(folder, "board.py"))
        return subprocess.run(
            [found, "-X", "heapsize=2M", "-c", f"DEVICES = {registers!r}\nSPI = {spi!r}\n{_PLAYED}"],
            env={**os.environ, "MICROPYPATH": ":".join(["", *map(str, rooms), ".frozen"])},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def main() -> int:
    """Try the board.py that is named, print what was said, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("board", type=Path, metavar="BOARD.PY")
    parser.add_argument("--i2c", action="append", default=[], type=_device, metavar="ADDRESS=BYTES")
    parser.add_argument("--spi", default=b"", type=bytes.fromhex, metavar="BYTES")
    asked = parser.parse_args()
    if not asked.board.is_file():
        parser.error(f"there is no file {asked.board}")
    done = tried(asked.board, dict(asked.i2c), asked.spi)
    print(done.stdout, end="")
    print(done.stderr, end="", file=sys.stderr)
    return done.returncode


def _device(text: str) -> tuple[int, bytes]:
    address, _, values = text.partition("=")
    return int(address, 0), bytes.fromhex(values)


if __name__ == "__main__":
    sys.exit(main())
