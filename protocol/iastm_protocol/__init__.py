"""The IASTM tool protocol, version 1: one source for CPython and MicroPython.

No clock and no input or output live here: bytes go in, frames and messages come out.
`protocol/SPEC.md` is normative; the vectors beside it run against this package on both interpreters.
"""
