"""What lies in a board's files goes before what is frozen into its image: seen, and put out of force, by its prompt."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from iastm_host.events import Problem
from iastm_host.transports.repl import FILES_ANEW, RawRepl, ReplError
from iastm_host.workbench.board_state import (
    BOARD_FILE,
    BOARD_NAME,
    HELPERS,
    MANIFEST,
    NOWHERE,
    PLACES,
    RELEASES,
    STATE,
    STATE_NEW,
    TRIAL,
    State,
    read_if_there,
    state_of,
)
from iastm_host.workbench.deploy_writer import end_trial
from iastm_host.workbench.flash_target import Desk
from iastm_host.workbench.release import PACKAGES, read_manifest

_PORT_S = 30.0


def prepare_frozen(
    desk: Desk, port: str, *, file: bytes | None, name: str | None, agree: Callable[[str], bool]
) -> None:
    """Let the board on `port` start what is frozen into its image, with the pins of `file` or those called `name`.

    Where a release or a folder of the firmware lies in its files, which go first, `agree` is asked to put the frozen
    one in force; raises Problem where it does not, or the board can't be asked. A board.py that a name replaces is kept
    under another one.
    """
    with _prompt(desk, port) as repl:
        repl.run(HELPERS)
        state = state_of({path: data for path in (STATE, STATE_NEW) if (data := read_if_there(repl, path)) is not None})
        first = _goes_first(repl, state)
        if first and not agree(
            f"The board's files go before what is frozen into its image: it starts {first}. "
            "Put what is frozen in force? What the tool keeps, as its calibration, stays."
        ):
            raise Problem(
                f"The image is written, but the tool runs {first}, which lies in the board's files and goes before "
                "what is frozen into the image.",
                f"Flash again and agree to put what is frozen in force; or deploy over it: iastm deploy --port {port}.",
            )
        if state.status == TRIAL:
            # Its selector would put board files back over those that follow.
            end_trial(repl, NOWHERE)
        if first or state.status == TRIAL:
            _put_frozen_in_force(repl)
        _put_board(repl, file, name)


@contextlib.contextmanager
def _prompt(desk: Desk, port: str) -> Iterator[RawRepl]:
    """Give the board's prompt, and restart the board in the end; raises Problem."""
    repl = desk.repl(port, _PORT_S)
    try:
        repl.open()
        yield repl
    except ReplError as error:
        raise Problem(
            f"The board's files can't be written: {error.last_line}.",
            f"Where its file system is damaged: {FILES_ANEW}",
        ) from error
    finally:
        with contextlib.suppress(Problem):
            repl.reset()


def _goes_first(repl: RawRepl, state: State) -> str:
    """Return in words what is started before what is frozen, "" where nothing is: as the selector (main.py) has it."""
    bytecode = int(repl.run("print(getattr(sys.implementation,'_mpy',0)&0x3ff)"))
    for place in (state.place, state.fallback) if state.status == TRIAL else (state.place,):
        if place == NOWHERE:
            break
        written = read_if_there(repl, f"{RELEASES}/{place}/{MANIFEST}")
        manifest = read_manifest(written) if written is not None else None
        if manifest is not None and manifest.mpy_sub_version << 8 | manifest.mpy_version != bytecode:
            # Compiled for another MicroPython, it is not started.
            continue
        if written is not None:
            return f"the release {manifest.id}" if manifest is not None else f"what lies in {RELEASES}/{place}"
    there = [package for package in PACKAGES if _is_folder(repl, f"/{package}")]
    return f"the firmware in /{there[0]}" if there else ""


def _is_folder(repl: RawRepl, path: str) -> bool:
    """Whether there is such a folder on the board, whose HELPERS are there."""
    return repl.run(f"_s=_stat({path!r})\nprint(1 if _s and _s[0]&0x4000 else 0)").strip() == "1"


def _put_frozen_in_force(repl: RawRepl) -> None:
    # The state first: with it gone the selector takes what is frozen.
    paths = [STATE_NEW, STATE, *(f"{RELEASES}/{place}/{MANIFEST}" for place in PLACES)]
    for path in paths:
        repl.run(f"_remove({path!r})")
    for package in PACKAGES:
        if not _is_folder(repl, f"/{package}"):
            continue
        repl.run(f"_n=0\nwhile _stat('/{package}.before%d'%_n):_n+=1\nos.rename('/{package}','/{package}.before%d'%_n)")


def _put_board(repl: RawRepl, file: bytes | None, name: str | None) -> None:
    if file is not None and read_if_there(repl, BOARD_FILE) != file:
        _replace(repl, BOARD_FILE, file)
    if name is None:
        return
    if read_if_there(repl, BOARD_NAME) != name.encode():
        _replace(repl, BOARD_NAME, name.encode())
    # It would go before the name.
    repl.run(f"if _stat({BOARD_FILE!r}):_rename({BOARD_FILE!r},{f'{BOARD_FILE}.before'!r})")


def _replace(repl: RawRepl, path: str, data: bytes) -> None:
    repl.write_file(f"{path}.new", data)
    repl.run(f"_rename({f'{path}.new'!r},{path!r})")
