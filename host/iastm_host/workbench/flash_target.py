"""Finds the one board that is to be flashed, and what it is, before anything is written to it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from iastm_host.events import Problem
from iastm_host.transports.base import LOST, NOT_FOUND, TransportError
from iastm_host.transports.ports import SerialPort
from iastm_host.transports.repl import NO_PROMPT, SILENT_PORT, RawRepl, ReplError
from iastm_host.workbench.boards import (
    BOOTLOADER,
    ESPTOOL,
    KINDS,
    MICROPYTHON,
    UF2,
    UNKNOWN,
    BoardKind,
    FoundBoard,
    find_boards,
    kinds_of_chip,
)
from iastm_host.workbench.deploy import Step
from iastm_host.workbench.drives import INFO_FILE, Uf2Drive, not_mounted, read_info
from iastm_host.workbench.esp import EspChip, Esptool
from iastm_host.workbench.esp_words import INTO_BOOTLOADER

BY_HAND = {
    UF2: "A Pico: unplug it, hold BOOTSEL while you plug it in, and its drive appears.",
    ESPTOOL: f"An ESP32-S3 or ESP32-C3: {INTO_BOOTLOADER}",
}
"""How a person brings a board into its bootloader, by the way in which it is written to."""

_CHARGING = "A cable that only charges shows nothing: try another one. iastm doctor says what this computer sees."
# A tool that runs restarts before it gives its prompt; a board without a prompt keeps a person waiting.
_PROMPT_S = {MICROPYTHON: 30.0, UNKNOWN: 6.0}
_RESTART_S = 20.0
_LOOK_EVERY_S = 0.2
_NO_ANSWER = (NO_PROMPT, SILENT_PORT, LOST)
# Which of an ESP32-S3's two USB units its ROM bootloader takes, is MicroPython's to say.
_IN_BOOTLOADER = ((0x303A, 0x1001), (0x303A, 0x0009))
_OURS = b"iastm_firmware"
# An ESP32 also tells where its file system lies, and how long it is.
_FACTS = """
import sys
print(getattr(sys.implementation,'_machine',''))
try:
 from esp32 import Partition as _P
 _p=_P.find(_P.TYPE_DATA,label='vfs') or _P.find(_P.TYPE_DATA,label='ffat')
 print(*_p[0].info()[2:4])
except Exception:
 pass
"""
_INTO_BOOTLOADER = "import machine\nmachine.bootloader()"
_MAIN = "main.py"


@dataclass(frozen=True, slots=True)
class Desk:
    """What is plugged in, and how it is spoken to. `clock` and `wait` in seconds; `tell` is given each step."""

    ports: Callable[[], list[SerialPort]]
    drives: Callable[[], list[Uf2Drive]]
    repl: Callable[[str, float], RawRepl]
    esptool: Callable[[str], Esptool]
    clock: Callable[[], float]
    wait: Callable[[float], None]
    tell: Callable[[Step], None]

    def again(self, port: SerialPort) -> SerialPort | None:
        """Return a port as it is now, None while it is gone; by its serial number a board is known under any name."""
        now = self.ports()
        same = [each for each in now if each.serial_number == port.serial_number]
        named = [each for each in same if each.device == port.device]
        if named or (same and port.serial_number):
            return (named or same)[0]
        # In no list are links, and what a container passes on.
        listed = any(each.device == port.device for each in now)
        return port if not listed and os.name != "nt" and Path(port.device).exists() else None

    def until(self, found: Callable[[], object], within_s: float) -> bool:
        """Whether `found` returned something true within `within_s` seconds."""
        end_s = self.clock() + within_s
        while not found():
            if self.clock() > end_s:
                return False
            self.wait(_LOOK_EVERY_S)
        return True


@dataclass(frozen=True, slots=True)
class Target:
    """A board and what is known of it. `chip` as "RP2040"; `kinds` are those that it can be, never none.

    `machine` is what its MicroPython calls it, "" where none was asked; `esp` what its chip says, None where it has no
    such bootloader. `file_system` is where its files lie in the flash and how many bytes they take, where it told.
    """

    board: FoundBoard
    chip: str
    kinds: tuple[BoardKind, ...]
    machine: str = ""
    esp: EspChip | None = None
    file_system: tuple[int, int] | None = None

    @property
    def words(self) -> str:
        """The board for a person."""
        if self.esp is not None:
            return self.esp.words
        return self.machine or " or ".join(kind.title for kind in self.kinds)

    @property
    def needs_frozen(self) -> bool | None:
        """Whether its memory takes the firmware only frozen into an image; None where that depends on its kind."""
        if self.esp is not None:
            return self.esp.frozen_only
        answers = {kind.frozen_only for kind in self.kinds}
        return answers.pop() if len(answers) == 1 else None


def find_target(desk: Desk, port: str | None, board: str | None, *, replace_main: bool = False) -> Target:
    """Return the board that is meant, and what it is: `look`, then `identify`; raises Problem."""
    return identify(desk, look(desk, port, board), board, replace_main=replace_main)


def look(desk: Desk, port: str | None, board: str | None) -> FoundBoard:
    """Return the board that is meant by `port` and `board`, where a person named them; raises Problem.

    `board` is the name of a kind, or of a chip, as "RP2040". No port is opened.
    """
    return choose(find_boards(desk.ports(), desk.drives()), port, _kinds(board))


def identify(desk: Desk, found: FoundBoard, board: str | None, *, replace_main: bool = False) -> Target:
    """Ask a board what it is, and bring one with a bootloader of Espressif into that; raises Problem.

    One that runs somebody else's program is refused unless `replace_main`. Nothing is written.
    """
    wanted = _kinds(board)
    if found.port is None:
        return _at_drive(desk, found, wanted)
    return _at_port(desk, found, wanted, replace_main=replace_main)


def _kinds(board: str | None) -> tuple[BoardKind, ...]:
    """Return the kinds that a person named, () where any will do."""
    if board is None:
        return ()
    kinds = (KINDS[board],) if board in KINDS else kinds_of_chip(board)
    if not kinds:
        raise Problem(
            f"There is no board {board!r} here.", f"One of: {', '.join(KINDS)}; or a file of your own, as my_board.py."
        )
    return kinds


def choose(boards: Sequence[FoundBoard], port: str | None, wanted: tuple[BoardKind, ...] = ()) -> FoundBoard:
    """Return the board at `port`, or the only one that can be one of `wanted`, () for any.

    Raises Problem where it is not the only one.
    """
    if port is not None:
        return _named(boards, port)
    known = [board for board in boards if board.kinds]
    fitting = [board for board in known if not wanted or set(wanted) & set(board.kinds)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        ports = ", ".join(f"--port {board.where}" for board in fitting if board.where)
        raise Problem(
            "Several boards are plugged in:\n" + "\n".join(f"  {board.words}" for board in fitting),
            f"Say which: {ports}; or leave one plugged in.",
        )
    others = [board for board in boards if board not in fitting]
    what = f"No {_titles(wanted)} was found." if wanted else "No board was found."
    if others:
        what += " There are:\n" + "\n".join(f"  {board.words}" for board in others)
        hint = f"Where one of them is the board: --port {others[0].where}. " if others[0].where else ""
    else:
        hint = ""
    by_hand = [words for way, words in BY_HAND.items() if not wanted or way == wanted[0].way]
    raise Problem(what, "\n".join([f"{hint}Plug it in. If it does not appear:", *by_hand, _CHARGING]))


def _titles(kinds: Sequence[BoardKind]) -> str:
    return " or ".join(kind.title for kind in kinds)


def _named(boards: Sequence[FoundBoard], port: str) -> FoundBoard:
    for board in boards:
        if board.where and (board.where == port or os.path.realpath(board.where) == os.path.realpath(port)):
            return board
    if Path(port).is_dir():
        return _mounted_at(Path(port))
    if not _may_be_a_port(port):
        there = ", ".join(board.where for board in boards if board.where) or "none"
        raise TransportError(NOT_FOUND, f"There is no port {port}.", f"Boards here: {there}. {_CHARGING}")
    # Behind a pin header, or what a container passes on: no USB numbers.
    kinds = kinds_of_chip("ESP32-S3", "ESP32-C3")
    return FoundBoard(SerialPort(port, None, None, "", "", ""), None, UNKNOWN, kinds, f"{port}: a port without USB")


def _mounted_at(folder: Path) -> FoundBoard:
    """Return the bootloader whose drive a person names; the system may have mounted it where nobody looks for it."""
    drive = read_info(folder)
    if drive is None:
        raise Problem(
            f"{folder} is no bootloader's drive: it has no {INFO_FILE} that says for which chip.", BY_HAND[UF2]
        )
    (found,) = find_boards([], [drive])
    return found


def _may_be_a_port(port: str) -> bool:
    return os.name == "nt" or Path(port).exists()


def _at_drive(desk: Desk, found: FoundBoard, wanted: tuple[BoardKind, ...]) -> Target:
    if not found.kinds:
        raise Problem(
            f"{found.words}: that bootloader is another maker's, and takes no image of MicroPython.",
            f"Use the chip's own. {BY_HAND[ESPTOOL]}",
        )
    chip = found.kinds[0].chip
    if found.drive is None:
        raise not_mounted(next(drive for drive in desk.drives() if drive.path is None and drive.chip == chip))
    return Target(found, chip, _narrowed(found.kinds, wanted, chip))


def _narrowed(kinds: tuple[BoardKind, ...], wanted: tuple[BoardKind, ...], chip: str) -> tuple[BoardKind, ...]:
    both = tuple(kind for kind in kinds if kind in wanted)
    if both or not wanted:
        return both or kinds
    named = f"a {wanted[0].title} has" if len(wanted) == 1 else "the board's file is for"
    what = f"Wrong chip: {named} an {wanted[0].chip}, and this board has an {chip}."
    fix = f"Give the board that it is: {', '.join(kind.name for kind in kinds)}; or leave --board out."
    if wanted[0].chip == chip:
        what = f"Wrong board: it calls itself a {_titles(kinds)}, and no {_titles(wanted)}."
        fix += f" Where it runs another board's image: {BY_HAND[wanted[0].way]}"
    raise Problem(f"{what} Nothing was written.", fix)


def _at_port(desk: Desk, found: FoundBoard, wanted: tuple[BoardKind, ...], *, replace_main: bool) -> Target:
    assert found.port is not None
    prompt = None if found.state == BOOTLOADER else _ask_prompt(desk, found)
    found = replace(found, port=desk.again(found.port) or found.port)
    assert found.port is not None
    if prompt is not None and not replace_main and not _is_ours(prompt.main):
        raise Problem(
            f"The board on {found.port.device} runs somebody else's main.py. Nothing was written, and it runs on.",
            "Where it is not needed any more: --replace-main, which keeps it as main.py.before.",
        )
    kinds = found.kinds or tuple(KINDS.values())
    ways = {kind.way for kind in kinds}
    if prompt is not None:
        kinds = kinds_of_machine(prompt.machine) or kinds
        ways = {kind.way for kind in kinds}
    if ways == {UF2}:
        if prompt is None:
            raise Problem(
                f"The board on {found.port.device} does not come to MicroPython's prompt, so it can't be asked for its "
                "bootloader.",
                BY_HAND[UF2],
            )
        chips = {kind.chip for kind in kinds}
        if len(chips) > 1:
            raise Problem(
                f"What calls itself {prompt.machine!r} is not known here.", f"{BY_HAND[UF2]} Then its chip is known."
            )
        chip = chips.pop()
        return Target(found, chip, _narrowed(kinds, wanted, chip), prompt.machine)
    found = _into_espressif_bootloader(desk, found, prompt)
    assert found.port is not None
    desk.tell(Step("identify", f"Asking the chip on {found.port.device}"))
    esptool = desk.esptool(found.port.device)
    esp = esptool.identify()
    try:
        target = _espressif(found, wanted, esp)
        return replace(target, machine=prompt.machine, file_system=prompt.file_system) if prompt else target
    except Problem:
        # It runs what it had.
        with contextlib.suppress(Problem):
            esptool.restart()
        raise


def _espressif(found: FoundBoard, wanted: tuple[BoardKind, ...], esp: EspChip) -> Target:
    if esp.kind is None:
        raise Problem(
            f"The firmware does not run on an {esp.name}. Nothing was written.", "It runs on ESP32-S3 and ESP32-C3."
        )
    able = _narrowed(kinds_of_chip(esp.name), wanted, esp.name)
    return Target(found, esp.name, (esp.kind if esp.kind in able else able[0],), esp=esp)


@dataclass(frozen=True, slots=True)
class _Prompt:
    machine: str
    main: bytes
    file_system: tuple[int, int] | None = None


def _ask_prompt(desk: Desk, found: FoundBoard) -> _Prompt | None:
    """Return what MicroPython says on the board, None where it has no prompt; the board runs on afterwards."""
    assert found.port is not None
    desk.tell(Step("prompt", f"Asking {found.port.device} for MicroPython's prompt"))
    repl = desk.repl(found.port.device, _PROMPT_S[MICROPYTHON if found.state == MICROPYTHON else UNKNOWN])
    try:
        repl.open()
    except TransportError as error:
        repl.close()
        if error.reason in _NO_ANSWER:
            return None
        raise
    try:
        said = repl.run(_FACTS).splitlines()
        try:
            main = repl.read_file(_MAIN)
        except ReplError:
            main = b""
    except (TransportError, ReplError):
        return None
    finally:
        with contextlib.suppress(Problem):
            repl.reset()
    port = found.port
    desk.until(lambda: desk.again(port), _RESTART_S)
    numbers = [int(word) for word in said[1].split() if word.isdigit()] if len(said) > 1 else []
    return _Prompt(said[0].strip() if said else "", main, (numbers[0], numbers[1]) if len(numbers) == 2 else None)


def _is_ours(main: bytes) -> bool:
    """Whether a main.py is the firmware's, or one in which nothing runs."""
    return _OURS in main or not any(line.partition(b"#")[0].strip() for line in main.splitlines())


def kinds_of_machine(machine: str) -> tuple[BoardKind, ...]:
    """Return the kinds that a board can be that calls itself so, as "Raspberry Pi Pico W with RP2040".

    Of a name that MicroPython does not give to one of them, all with its chip.
    """
    board, _, chip = machine.rpartition(" with ")
    kinds = tuple(kind for kind in KINDS.values() if kind.chip.replace("-", "") == chip.replace("-", ""))
    if kinds and kinds[0].way == UF2 and board.startswith("Raspberry Pi Pico"):
        radio = board.endswith("W")
        return tuple(kind for kind in kinds if kind.name.endswith("_w") == radio)
    if "Octal-SPIRAM" in board:
        return (KINDS["esp32_s3_octal"],)
    return kinds


def _into_espressif_bootloader(desk: Desk, found: FoundBoard, prompt: _Prompt | None) -> FoundBoard:
    """Return the board in its bootloader where it has to be asked for it: esptool resets all others by itself."""
    port = found.port
    assert port is not None
    if prompt is None or found.state != MICROPYTHON:
        return found
    # Another board may wait in its bootloader already.
    before = _in_bootloader(desk)
    desk.tell(Step("bootloader", "Asking the board for its bootloader"))
    ask_for_bootloader(desk, port.device)

    def in_bootloader() -> SerialPort | None:
        return next((now for now in _in_bootloader(desk) if now not in before), None)

    if not desk.until(in_bootloader, _RESTART_S):
        # After some releases of MicroPython the chip waits there without a USB port (ports/esp32/modmachine.c mixes
        # TinyUSB with what the ROM keeps of its own USB).
        raise Problem(
            f"The board that was on {port.device} went into its bootloader, or nearly: no port came back. Nothing was "
            "written.",
            f"{BY_HAND[ESPTOOL]} RESET alone, and it runs as before.",
        )
    return replace(found, port=in_bootloader(), state=BOOTLOADER)


def _in_bootloader(desk: Desk) -> list[SerialPort]:
    return [port for port in desk.ports() if (port.vid, port.pid) in _IN_BOOTLOADER]


def let_run(desk: Desk, target: Target) -> None:
    """Restart a board that waits in Espressif's bootloader: it runs as before, where it can be told to."""
    if target.esp is not None and target.board.port is not None:
        with contextlib.suppress(Problem):
            desk.esptool(target.board.port.device).restart()


def ask_for_bootloader(desk: Desk, port: str) -> None:
    """Let MicroPython on `port` restart into the chip's bootloader; raises Problem where it has no way to."""
    repl = desk.repl(port, _PROMPT_S[MICROPYTHON])
    try:
        repl.open()
        repl.run(_INTO_BOOTLOADER, 3.0)
    except TransportError as error:
        # It is gone before it can answer: that is what was asked for.
        if error.reason != LOST:
            raise
    except ReplError as error:
        raise Problem(
            f"The board on {port} can't restart into its bootloader: {error.last_line}.",
            "\n".join(BY_HAND.values()),
        ) from error
    finally:
        repl.close()
