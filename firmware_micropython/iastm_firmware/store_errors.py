"""Words for what a storage fails with."""

# By number: MicroPython's `errno` has no names for most of them.
_WORDS = {
    5: "the flash can't be read or written (error 5)",
    28: "the file system is full",
    30: "the file system is read-only",
    # So says littlefs where it has no place left for a file's name; ours are short.
    36: "the file system is full",
}


def why(error):
    """Return words for an OSError or a MemoryError of a storage."""
    if isinstance(error, MemoryError):
        return "out of memory"
    what = error.args[0] if error.args else 0
    return _WORDS.get(what) or "error %s" % what
