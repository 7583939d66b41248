"""What a disk's refusals mean for a person."""

from __future__ import annotations

import errno

_SPACE = "Free some space"
_CURES = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: f"{_SPACE}: your share of this disk is used up",
    errno.EFBIG: "Use a disk that takes larger files",
    errno.EROFS: "Use a disk that can be written to",
    errno.EACCES: "Use a folder that you may write to",
    errno.EPERM: "Use a folder that you may write to",
    errno.ENAMETOOLONG: "Choose a shorter name",
    errno.ENOENT: "Make the folder first, or name another",
    errno.ENOTDIR: "Choose another folder: a file stands on the way",
}
_ANY_CURE = "Check the disk and its connection, or use another one"


def reason(error: OSError | ValueError) -> str:
    """Return what the system says: no path, no number. A ValueError is a name that can't be one."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)


def cure(error: OSError | ValueError) -> str:
    """Return what a person can do about it, without a full stop."""
    if not isinstance(error, OSError):
        return "Choose another name"
    return _CURES.get(error.errno or 0, _ANY_CURE)
