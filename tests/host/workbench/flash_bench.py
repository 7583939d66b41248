"""A desk with played boards: ports and drives that come and go with the time that is waited, prompts, chips."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from iastm_host.events import Problem
from iastm_host.transports.base import LOST, TransportError
from iastm_host.transports.ports import SerialPort
from iastm_host.transports.repl import NO_PROMPT, RawRepl, ReplError
from iastm_host.workbench.deploy import Step
from iastm_host.workbench.drives import INFO_FILE, Uf2Drive, read_info
from iastm_host.workbench.esp import EspChip, Esptool, check_image
from iastm_host.workbench.flash_target import Desk
from iastm_host.workbench.images import Image

PICO, S3_MICROPYTHON, S3_JTAG, BRIDGE = (0x2E8A, 0x0005), (0x303A, 0x4001), (0x303A, 0x1001), (0x10C4, 0xEA60)
MB = 1024 * 1024
MPY_VERSION = 3 << 8 | 6
RP2040_INFO = b"UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: RPI-RP2\r\n"
RP2350_INFO = b"UF2 Bootloader v1.0\r\nModel: Raspberry Pi RP2350\r\nBoard-ID: RP2350\r\n"
C3 = EspChip("ESP32-C3", "ESP32-C3 (QFN32) (revision v0.4)", 4 * MB, 0)
S3_FEATHER = EspChip("ESP32-S3", "ESP32-S3 (QFN56) (revision v0.2)", 4 * MB, 2 * MB)
S3_BARE = EspChip("ESP32-S3", "ESP32-S3 (QFN56) (revision v0.2)", 8 * MB, 0)


class Bench:
    """What is plugged in. `later` runs something once so many seconds were waited; `steps` are those that were told."""

    def __init__(self) -> None:
        self.ports: list[SerialPort] = []
        self.drives: list[Uf2Drive] = []
        self.prompts: dict[str, Prompt] = {}
        self.chips: dict[str, Chip] = {}
        self.steps: list[Step] = []
        self.now_s = 0.0
        self._later: list[tuple[float, Callable[[], object]]] = []

    def desk(self) -> Desk:
        return Desk(
            ports=lambda: list(self.ports),
            drives=lambda: list(self.drives),
            repl=self._repl,
            esptool=self._esptool,
            clock=lambda: self.now_s,
            wait=self._wait,
            tell=self.steps.append,
        )

    def plug_in(self, device: str, numbers: tuple[int, int], serial_number: str = "") -> SerialPort:
        port = SerialPort(device, *numbers, serial_number, "", "")
        self.ports.append(port)
        return port

    def pull(self, device: str) -> None:
        self.ports = [port for port in self.ports if port.device != device]

    def show_drive(self, folder: Path, info: bytes = RP2040_INFO) -> None:
        folder.mkdir(exist_ok=True)
        (folder / INFO_FILE).write_bytes(info)
        drive = read_info(folder)
        assert drive is not None
        self.drives.append(drive)

    def later(self, seconds: float, happens: Callable[[], object]) -> None:
        self._later.append((self.now_s + seconds, happens))

    def names(self) -> list[str]:
        """The names of the steps, each once."""
        return list(dict.fromkeys(step.name for step in self.steps))

    def _wait(self, seconds: float) -> None:
        self.now_s += seconds
        due = [one for one in self._later if one[0] <= self.now_s]
        self._later = [one for one in self._later if one[0] > self.now_s]
        for _, happens in due:
            happens()

    def _repl(self, device: str, within_s: float) -> RawRepl:
        return self.prompts.get(device) or Silent(device, within_s)

    def _esptool(self, device: str) -> Esptool:
        return self.chips[device]


class Silent(RawRepl):
    """A port at which no prompt is."""

    def open(self, *, restarting: bool = False) -> None:  # noqa: ARG002 - as the prompt of a board has it
        raise TransportError(NO_PROMPT, f"What is on {self._port} does not come to its prompt.", "Flash it.")

    def reset(self) -> None:
        raise TransportError(LOST, "It was closed.", "Retry.")

    def close(self) -> None:
        pass


class Prompt(RawRepl):
    """A board at MicroPython's prompt. `into_bootloader` is what happens when it is asked for that, None: it can't."""

    def __init__(
        self,
        machine: str,
        main: bytes | None = None,
        into_bootloader: Callable[[], None] | None = None,
        refuses: Problem | None = None,
        file_system: str = "",
    ) -> None:
        super().__init__("played")
        self.machine = machine
        self.files = {} if main is None else {"main.py": main}
        self.into_bootloader = into_bootloader
        self.refuses = refuses
        self.file_system = file_system
        self.done: list[str] = []

    def open(self, *, restarting: bool = False) -> None:  # noqa: ARG002 - as the prompt of a board has it
        if self.refuses is not None:
            raise self.refuses
        self.done.append("open")

    def run(self, code: str, timeout_s: float | None = None, on_line: Callable[[str], None] | None = None) -> str:
        del timeout_s, on_line
        if "bootloader" in code:
            if self.into_bootloader is None:
                raise ReplError("Traceback (most recent call last):\nAttributeError: no attribute 'bootloader'\n")
            self.done.append("bootloader")
            self.into_bootloader()
            raise TransportError(LOST, "It is gone.", "Retry.")
        self.done.append("run")
        if "_machine" in code:
            return f"{self.machine}\n{self.file_system}\n"
        return self._on_files(code)

    def _on_files(self, code: str) -> str:
        """Answer what is asked of files with the helpers of board_state.py, as MicroPython would."""
        if "_mpy" in code:
            return f"{MPY_VERSION}\n"
        if "_back(" in code:
            for name in ("/board.py", "/board_name.txt"):
                was = self.files.pop(f"/releases/before{name}", None)
                if was is not None:
                    self.files.pop(name, None)
                    self.files |= {name: was} if was else {}
        asked = re.search(r"_s=_stat\('(.*?)'\)", code)
        if asked and "0x4000" in code:
            return "1\n" if any(path.startswith(f"{asked[1]}/") for path in self.files) else "0\n"
        if asked:
            return f"{len(self.files[asked[1]])}\n" if asked[1] in self.files else "-1\n"
        for was, now in re.findall(r"_?rename\('(.*?)','(.*?)'", code):
            # A folder with all that is in it; %d is the first number that is free.
            moved = {path: data for path, data in self.files.items() if path == was or path.startswith(f"{was}/")}
            self.files = {path: data for path, data in self.files.items() if path not in moved}
            self.files |= {path.replace(was, now.replace("%d", "0"), 1): data for path, data in moved.items()}
        for path in re.findall(r"_remove\('(.*?)'\)", code):
            self.files.pop(path, None)
        return ""

    def read_file(self, path: str, at_most: int = 1 << 24) -> bytes:
        del at_most
        if path not in self.files:
            raise ReplError("OSError: [Errno 2] ENOENT\n")
        return self.files[path]

    def write_file(self, path: str, data: bytes, progress: Callable[[int, int], None] | None = None) -> None:
        del progress
        self.files[path] = data

    def reset(self) -> None:
        self.done.append("reset")

    def close(self) -> None:
        self.done.append("close")


class Chip(Esptool):
    """A chip in Espressif's bootloader; `written` are the images that it was given. `fails` is raised amid a write."""

    def __init__(self, chip: EspChip, after: Callable[[], None] = lambda: None, fails: BaseException | None = None):
        super().__init__("played")
        self.chip = chip
        self.after = after
        self.fails = fails
        self.written: list[tuple[Path, bool]] = []
        self.restarts = 0

    def identify(self) -> EspChip:
        return self.chip

    def restart(self) -> None:
        self.restarts += 1

    def write(self, image: Image, chip: EspChip, progress: Callable[[int, int], None], *, erase: bool = False) -> None:
        check_image(image, chip)
        progress(image.bytes_ // 2, image.bytes_)
        if self.fails is not None:
            raise self.fails
        progress(image.bytes_, image.bytes_)
        self.written.append((image.path, erase))
        self.after()
