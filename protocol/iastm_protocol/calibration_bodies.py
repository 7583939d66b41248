"""Bodies of the commands by which a calibration is written to a tool and read back (SPEC.md, 5.1 and 4.19)."""

from iastm_protocol.fields import Reader, Writer

_SHA256_BYTES = 32


def begin_calibration_body(length):
    """Return the body of BEGIN_CALIBRATION: the length of the stored calibration in bytes."""
    return Writer().number("I", length).payload()


def read_begin_calibration_body(body):
    """Return the length in the body of BEGIN_CALIBRATION."""
    return Reader(body, "calibration command").number("I")


def calibration_part_body(offset, data):
    """Return the body of CALIBRATION_PART: where a piece belongs, and its bytes."""
    return Writer().number("I", offset).raw(data).payload()


def read_calibration_part_body(body):
    """Return (offset, data) of the body of CALIBRATION_PART."""
    r = Reader(body, "calibration part")
    return r.number("I"), r.rest()


def keep_calibration_body(sha256):
    """Return the body of KEEP_CALIBRATION: the SHA-256 of the whole stored calibration."""
    return Writer().raw(sha256, _SHA256_BYTES).payload()


def read_keep_calibration_body(body):
    """Return the hash in the body of KEEP_CALIBRATION."""
    return Reader(body, "keep command").raw(_SHA256_BYTES)


def get_calibration_body(offset, n):
    """Return the body of GET_CALIBRATION: which byte of the stored calibration, and how many from there."""
    return Writer().number("I", offset).number("H", n).payload()


def read_get_calibration_body(body):
    """Return (offset, n) of the body of GET_CALIBRATION."""
    r = Reader(body, "get calibration command")
    return r.number("I"), r.number("H")
