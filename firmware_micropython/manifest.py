"""What a board's image freezes: the firmware and the protocol it shares with the host, and the hash of both.

Frozen code lies in flash and takes no heap. A folder `iastm_firmware` or `iastm_protocol` on the board's file system
comes before the frozen one. A board that is to start by itself needs `main.py` beside: see manifest_release.py.
"""

import atexit
import hashlib
import os
import shutil
import tempfile

_PACKAGES = {"iastm_firmware": ".", "iastm_protocol": "../protocol"}
_BUILT = "built.py"


def _sources(package, base):
    root = os.path.join(base, package)
    found = [os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names if name.endswith(".py")]
    return sorted((os.path.relpath(path, base).replace(os.sep, "/"), path) for path in found)


def _source_hash():
    """Return what hello tells of the sources: see host/iastm_host/transports/runtime.py."""
    digest = hashlib.sha256()
    for package, base in sorted(_PACKAGES.items()):
        for name, path in _sources(package, base):
            with open(path, "rb") as file:
                digest.update(name.encode() + b"\0" + file.read())
    return digest.digest()[:8].hex()


# MicroPython's reader of manifests gives `package`, and runs this in its folder.
for _package, _base in sorted(_PACKAGES.items()):
    _files = [name[len(_package) + 1 :] for name, _ in _sources(_package, _base)]
    package(_package, files=[name for name in _files if name != _BUILT], base_path=_base)  # type: ignore[name-defined]  # noqa: F821
_folder = tempfile.mkdtemp(prefix="iastm-manifest-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.mkdir(os.path.join(_folder, "iastm_firmware"))
with open(os.path.join(_folder, "iastm_firmware", _BUILT), "w") as _file:
    _file.write('"""Which sources this image was made from."""\n\nSOURCE_HASH = "%s"\n' % _source_hash())
package("iastm_firmware", files=[_BUILT], base_path=_folder)  # type: ignore[name-defined]  # noqa: F821
