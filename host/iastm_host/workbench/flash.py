"""Writes an image to a board and waits until it is there again."""

from __future__ import annotations

from iastm_host.events import Problem
from iastm_host.transports.ports import SerialPort
from iastm_host.workbench.boards import BRIDGES, MICROPYTHON, UF2, find_boards
from iastm_host.workbench.deploy import Step
from iastm_host.workbench.drives import AGAIN, Uf2Drive, not_mounted, read_info, write_image
from iastm_host.workbench.flash_target import BY_HAND, Desk, Target, ask_for_bootloader
from iastm_host.workbench.images import Image

_DRIVE_S = 20.0
_PORT_S = 30.0
# A chip whose port stays while it restarts needs so long; others are seen to go and to come.
_SETTLE_S = 3.0
_MOUNT_S = 5.0
INTERRUPTED = {
    "bootloader": "Interrupted. Nothing was written; unplug the board and plug it in, and it runs as before.",
    "write": f"Interrupted in the middle of being written. {AGAIN}",
    "port": "Interrupted. The image is on the board; go on with: iastm deploy",
}
"""What is to be said of an interrupt, by the step within which it came; before those nothing has changed."""


def check_erase(target: Target, *, erase: bool) -> None:
    """Raise Problem where the board's flash is to be erased and can't be."""
    if erase and target.esp is None:
        raise Problem(
            "A Pico's bootloader can't erase the files on the board. Nothing was written.",
            "Leave --erase out: they stay, and do no harm. To remove them all, copy Raspberry Pi's flash_nuke.uf2 "
            "onto its drive first.",
        )


def flash_board(desk: Desk, target: Target, image: Image, *, erase: bool = False) -> str:
    """Write `image` to `target` and return the port at which MicroPython comes up; raises Problem.

    `erase` takes away all that is in the flash first, which a drive can't.
    """
    check_erase(target, erase=erase)
    if target.esp is None:
        return _by_drive(desk, target, image)
    return _by_esptool(desk, target, image, erase=erase)


def _by_drive(desk: Desk, target: Target, image: Image) -> str:
    drive = _drive_of(desk, target)
    before = {port.device for port in desk.ports()}
    data = image.path.read_bytes()

    def progress(done: int, total: int) -> None:
        desk.tell(Step("write", f"Writing {image.path.name} to {drive.path}", done, total))

    progress(0, len(data))
    write_image(drive, data, progress, clock=desk.clock, wait=desk.wait)
    desk.tell(Step("port", "The board restarts"))

    def new_port() -> SerialPort | None:
        return next((port for port in _micropythons(desk) if port.device not in before), None)

    if not desk.until(new_port, _PORT_S):
        raise _no_port(BY_HAND[UF2])
    port = new_port()
    assert port is not None
    return port.device


def _drive_of(desk: Desk, target: Target) -> Uf2Drive:
    """Return the bootloader's drive, of a board that runs once it was asked for it."""
    if target.board.drive is not None:
        drive = read_info(target.board.drive)
        if drive is None:
            raise Problem(f"The drive {target.board.drive} is gone.", BY_HAND[UF2])
        return drive
    before = {drive.path or drive.device for drive in desk.drives()}
    assert target.board.port is not None
    desk.tell(Step("bootloader", "Asking the board for its bootloader"))
    ask_for_bootloader(desk, target.board.port.device)

    def new(*, mounted: bool) -> Uf2Drive | None:
        drives = [drive for drive in desk.drives() if (drive.path or drive.device) not in before]
        return next((drive for drive in drives if drive.chip == target.chip and (drive.path or not mounted)), None)

    if not desk.until(lambda: new(mounted=False), _DRIVE_S):
        raise Problem(
            f"The board that was on {target.board.port.device} restarted into its bootloader, but its drive does not "
            f"appear within {_DRIVE_S:g} s. Nothing was written.",
            f"Unplug it and plug it in: it runs as before. {BY_HAND[UF2]}",
        )
    # A desktop mounts it a moment after it appeared.
    desk.until(lambda: new(mounted=True), _MOUNT_S)
    drive = new(mounted=True) or new(mounted=False)
    if drive is None or drive.path is None:
        raise not_mounted(drive or Uf2Drive(None, target.chip, "", ""))
    return drive


def _by_esptool(desk: Desk, target: Target, image: Image, *, erase: bool) -> str:
    assert target.esp is not None
    assert target.board.port is not None
    device = target.board.port.device
    before = {port.device for port in desk.ports()} | {device}

    def progress(done: int, total: int) -> None:
        desk.tell(Step("write", f"Writing {image.path.name} to {device}", done, total))

    progress(0, image.bytes_)
    desk.esptool(device).write(image, target.esp, progress, erase=erase)
    desk.tell(Step("port", "The board restarts"))
    return _came_back(desk, target, before)


def _came_back(desk: Desk, target: Target, before: set[str]) -> str:
    """Return the port of a chip that restarts: another one, the same that went and came, or one that just stays.

    Another one is the board's where it has its serial number, or numbers that such a chip has.
    """
    old = target.board.port
    assert old is not None
    began_s = desk.clock()
    seen_gone = False
    found = ""

    def came() -> bool:
        nonlocal seen_gone, found
        for port in desk.ports():
            is_new = port.device not in before or (port.device == old.device and port.pid != old.pid)
            if is_new and _may_be(port, target):
                found = port.device
        now = desk.again(old)
        if now is None:
            seen_gone = True
        elif not found and (seen_gone or desk.clock() - began_s >= _SETTLE_S):
            found = now.device
        return bool(found)

    if not desk.until(came, _PORT_S):
        raise _no_port("Press RESET (EN, RST) once, or unplug the board and plug it in.")
    return found


def _may_be(port: SerialPort, target: Target) -> bool:
    old = target.board.port
    if old is not None and old.serial_number and port.serial_number == old.serial_number:
        return True
    kinds = [kind for board in find_boards([port], []) for kind in board.kinds]
    return (port.vid, port.pid) not in BRIDGES and any(kind.chip == target.chip for kind in kinds)


def _micropythons(desk: Desk) -> list[SerialPort]:
    boards = find_boards(desk.ports(), [])
    return [board.port for board in boards if board.port is not None and board.state == MICROPYTHON]


def _no_port(first: str) -> Problem:
    return Problem(
        f"The image is written, but the board does not come back with a port within {_PORT_S:g} s.",
        f"Unplug it and plug it in, then: iastm deploy. If there is still no port: {first} {AGAIN}",
    )
