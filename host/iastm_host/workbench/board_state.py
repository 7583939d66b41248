"""What deploying has to know of a board: its MicroPython, its memory, what lies on it, which release is in force.

The layout that is read here is that of docs/firmware.md, "Releases".
"""

from __future__ import annotations

import binascii
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from iastm_host.events import Problem
from iastm_host.transports.repl import RawRepl, ReplError
from iastm_host.workbench.release import Manifest, read_manifest

# MicroPython's docs, "MicroPython .mpy files": sys.implementation._mpy, bits 10 to 13.
ARCHITECTURES = (
    "",
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
    "rv64imc",
)
PLACES = ("a", "b")
NOWHERE = "-"
TRIAL, OK = "trial", "ok"
RELEASES = "/releases"
STATE, STATE_NEW, FAILED = f"{RELEASES}/state", f"{RELEASES}/state.new", f"{RELEASES}/failed"
# Board files as they were before the trial that runs, or ran last; an empty one tells that there was none.
BEFORE = f"{RELEASES}/before"
MANIFEST = "release.json"
MAIN = "/main.py"
BOARD_FILE, BOARD_NAME = "/board.py", "/board_name.txt"
_STATE_WORDS = 5
_FILES_READ = (MAIN, BOARD_FILE, BOARD_NAME, STATE, STATE_NEW, FAILED)
# A longer main.py is somebody else's program, and only its beginning is looked at.
_LARGEST_MAIN_BYTES = 16_384

# Run once; the other pieces call what it defines. MicroPython's FAT has no rename onto a file that is there.
HELPERS = """
import os,json,gc,sys
from binascii import hexlify
try:
 from hashlib import sha256
except ImportError:
 sha256=None
def _hash(p):
 h=sha256();b=bytearray(1024);m=memoryview(b)
 with open(p,'rb') as f:
  while 1:
   n=f.readinto(b)
   if not n:break
   h.update(m[:n])
 return hexlify(h.digest()).decode()
def _stat(p):
 try:
  return os.stat(p)
 except OSError:
  return None
def _walk(r,p=''):
 try:
  l=list(os.ilistdir(r+p))
 except OSError:
  return
 for e in l:
  q=p+'/'+e[0]
  if e[1]&0x4000:
   yield q,-1
   for f in _walk(r,q):yield f
  else:
   yield q,os.stat(r+q)[6]
def _rename(a,b):
 try:
  os.rename(a,b)
 except OSError:
  os.remove(b)
  os.rename(a,b)
def _remove(p):
 if _stat(p):os.remove(p)
def _back(d):
 for n in os.listdir(d) if _stat(d) else ():
  if _stat(d+'/'+n)[6]:
   _rename(d+'/'+n,'/'+n)
  else:
   _remove('/'+n)
   os.remove(d+'/'+n)
def _mkdir(p):
 if not _stat(p):os.mkdir(p)
def _copy(a,b):
 d=bytearray(1024);m=memoryview(d)
 with open(a,'rb') as f:
  with open(b,'wb') as g:
   while 1:
    n=f.readinto(d)
    if not n:break
    g.write(m[:n])
"""
_FACTS = """
gc.collect()
_i=sys.implementation
_v=os.statvfs('/')
try:
 import iastm_firmware as _r
 _r=1
except ImportError:
 _r=0
try:
 import esp32
 _t=sum([_e[0] for _e in esp32.idf_heap_info(esp32.HEAP_DATA)])
except (ImportError,AttributeError):
 _t=0
print(json.dumps({'platform':sys.platform,'name':_i.name,'version':list(_i.version)[:3],
'machine':getattr(_i,'_machine',''),'mpy':getattr(_i,'_mpy',getattr(_i,'mpy',0)),'free':gc.mem_free(),'regions':_t,
'block':_v[0],'blocks':_v[2],'blocks_free':_v[3],'hashes':sha256 is not None,'root':_r}))
"""


@dataclass(frozen=True, slots=True)
class State:
    """Which release the selector starts: `place` a, b or -; a trial has `tries` left until `fallback` runs."""

    place: str = NOWHERE
    status: str = OK
    tries: int = 0
    fallback: str = NOWHERE

    def line(self) -> bytes:
        """Return the one line of the file."""
        words = f"{self.place} {self.status} {self.tries} {self.fallback}"
        return f"{words} {binascii.crc32(words.encode()):08x}\n".encode()


def read_state(data: bytes) -> State | None:
    """Return the state that a line holds; None where it is not whole, or says what can't be, as the selector has it."""
    words = data.decode(errors="replace").split()
    if len(words) != _STATE_WORDS:
        return None
    place, status, tries, fallback = words[:4]
    known = {*PLACES, NOWHERE}
    if place not in known or fallback not in known or status not in (TRIAL, OK) or tries not in set("0123456789"):
        return None
    # On trial is a release, or what lies beside one: then it falls back to itself.
    if status == TRIAL and place == NOWHERE:
        return None
    state = State(place, status, int(tries), fallback)
    return state if data in (state.line(), state.line().strip()) else None


@dataclass(frozen=True, slots=True)
class Place:
    """One of the two places as it lies on the board: sizes in bytes and SHA-256 in hex by path, without release.json.

    `manifest` is None where there is no whole one: then nothing in it is started. A file without a hash could not be
    read.
    """

    manifest: Manifest | None
    sizes: Mapping[str, int]
    hashes: Mapping[str, str]
    folders: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it holds exactly what its release.json says."""
        return self.manifest is not None and dict(self.hashes) == dict(self.manifest.files)


@dataclass(frozen=True, slots=True)
class BoardState:
    """A board as it was found. Sizes in bytes; `files` are the contents of those that matter here, by path.

    Of board files that are on trial, `files` has those of before.

    `machine` is what its MicroPython calls it, as "Raspberry Pi Pico W with RP2040". `memory_bytes` is all memory that
    an ESP32 has for data, used or not; 0 where it does not tell.
    `runs_unreleased`: firmware is frozen into its image, or lies at the root as before releases existed.
    """

    platform: str
    implementation: str
    version: tuple[int, ...]
    machine: str
    mpy_version: int
    mpy_sub_version: int
    architecture: str
    heap_free: int
    block_bytes: int
    blocks: int
    blocks_free: int
    hashes_itself: bool
    runs_unreleased: bool
    files: Mapping[str, bytes]
    state: State
    places: Mapping[str, Place]
    memory_bytes: int = 0

    @property
    def chip(self) -> str:
        """The chip by its MicroPython's word, as "RP2040" or "ESP32S3"; "" where it says none."""
        return self.machine.rpartition(" with ")[2] if " with " in self.machine else ""

    @property
    def failed(self) -> str:
        """Why the newest trial was given up, "" where none was."""
        return self.files.get(FAILED, b"").decode(errors="replace").strip()

    @property
    def in_force(self) -> str:
        """The place that the selector starts where nothing is on trial; - for what is in neither, or nothing at all."""
        first = self.state.place if self.state.status == OK else self.state.fallback
        return next((place for place in (first, NOWHERE, *PLACES) if self._is_there(place)), NOWHERE)

    def runs_sources(self, source_hash: str) -> bool:
        """Whether the release in force was compiled from these sources."""
        manifest = self.places[self.in_force].manifest if self.in_force != NOWHERE else None
        return manifest is not None and manifest.source_hash == source_hash

    def _is_there(self, place: str) -> bool:
        if place == NOWHERE:
            return self.runs_unreleased
        found = self.places[place].manifest
        here = (self.mpy_version, self.mpy_sub_version)
        return found is not None and (found.mpy_version, found.mpy_sub_version) == here


def ask_board(repl: RawRepl, progress: Callable[[int, int], None] | None = None) -> BoardState:
    """Return what is on the board behind an open `repl`, with the hash of each file of a release.

    `progress` is told how many of how many files are read. Raises Problem where it is no MicroPython that we know.
    """
    try:
        repl.run(HELPERS)
        # After whatever its own code prints.
        facts: dict[str, Any] = json.loads(repl.run(_FACTS).splitlines()[-1])
    except (ReplError, ValueError, IndexError) as error:
        said = error.last_line if isinstance(error, ReplError) else "its answer can't be read"
        raise Problem(
            f"What is on the board is no MicroPython that can take the firmware: {said}.",
            "Write an image of MicroPython first: iastm flash.",
        ) from error
    itself = bool(facts["hashes"])
    places = _places(repl, progress, itself=itself)
    files = {path: data for path in _FILES_READ if (data := read_if_there(repl, path)) is not None}
    if state_of(files).status == TRIAL:
        files = _before_the_trial(repl, files)
    mpy = int(facts["mpy"])
    number = mpy >> 10 & 0xF
    return BoardState(
        platform=str(facts["platform"]),
        implementation=str(facts["name"]),
        version=tuple(facts["version"]),
        machine=str(facts["machine"]),
        mpy_version=mpy & 0xFF,
        mpy_sub_version=mpy >> 8 & 3,
        architecture=ARCHITECTURES[number] if number < len(ARCHITECTURES) else "",
        heap_free=int(facts["free"]),
        block_bytes=int(facts["block"]),
        blocks=int(facts["blocks"]),
        blocks_free=int(facts["blocks_free"]),
        hashes_itself=itself,
        runs_unreleased=bool(facts["root"]),
        files=files,
        state=state_of(files),
        places=places,
        memory_bytes=int(facts["regions"]),
    )


def state_of(files: Mapping[str, bytes]) -> State:
    """Return the state in force, as the selector reads it: the newer file where the other is missing or damaged."""
    for path in (STATE, STATE_NEW):
        found = read_state(files[path]) if path in files else None
        if found is not None:
            return found
    return State()


def read_if_there(repl: RawRepl, path: str) -> bytes | None:
    """Return a file of the board, of a very long main.py its beginning; None where there is none."""
    size = repl.run(f"_s=_stat({path!r})\nprint(_s[6] if _s else -1)").strip()
    if int(size) < 0:
        return None
    return repl.read_file(path, _LARGEST_MAIN_BYTES) if path == MAIN else repl.read_file(path)


def _before_the_trial(repl: RawRepl, files: dict[str, bytes]) -> dict[str, bytes]:
    kept = {path: old for path in (BOARD_FILE, BOARD_NAME) if (old := read_if_there(repl, BEFORE + path)) is not None}
    return {path: data for path, data in (files | kept).items() if path not in kept or data}


def hash_files(repl: RawRepl, paths: list[str], progress: Callable[[int], None], *, itself: bool) -> dict[str, str]:
    """Return the SHA-256 of these files by path, made on the board where it can; one that can't be read has none."""
    if not itself:
        found = {}
        for done, path in enumerate(paths, 1):
            try:
                found[path] = hashlib.sha256(repl.read_file(path)).hexdigest()
            except ReplError:
                continue
            finally:
                progress(done)
        return found
    hashes: dict[str, str] = {}
    answered = 0

    def take(line: str) -> None:
        nonlocal answered
        if answered < len(paths) and line:
            hashes[paths[answered]] = line
            answered += 1
            progress(answered)

    repl.run(
        f"for _p in {paths!r}:\n try:\n  print(_hash(_p))\n except OSError:\n  print('-')",
        on_line=take,
    )
    return {path: digest for path, digest in hashes.items() if digest != "-"}


def _places(repl: RawRepl, progress: Callable[[int, int], None] | None, *, itself: bool) -> dict[str, Place]:
    listed: dict[str, dict[str, int]] = {}
    for place in PLACES:
        root = f"{RELEASES}/{place}"
        said = repl.run(f"for _p,_n in _walk({root!r}):print(_n,_p)")
        pairs = [line.split(" ", 1) for line in said.splitlines() if line]
        listed[place] = {path[1:]: int(size) for size, path in pairs}
    paths = [
        f"{RELEASES}/{place}/{path}"
        for place, sizes in listed.items()
        for path, size in sizes.items()
        if size >= 0 and path != MANIFEST
    ]

    def tell(done: int) -> None:
        if progress is not None:
            progress(done, len(paths))

    hashes = hash_files(repl, paths, tell, itself=itself) if paths else {}
    places = {}
    for place, sizes in listed.items():
        root = f"{RELEASES}/{place}/"
        manifest = None
        if MANIFEST in sizes:
            manifest = read_manifest(repl.read_file(root + MANIFEST))
        places[place] = Place(
            manifest,
            {path: size for path, size in sizes.items() if size >= 0 and path != MANIFEST},
            {path.removeprefix(root): digest for path, digest in hashes.items() if path.startswith(root)},
            tuple(path for path, size in sizes.items() if size < 0),
        )
    return places
