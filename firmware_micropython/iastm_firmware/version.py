"""The firmware's version, as hello states it."""

VERSION = "0.1.0"
