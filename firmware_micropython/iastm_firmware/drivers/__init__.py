"""Drivers of the chips that a tool may carry. Each takes its pins and buses; none imports what only a board has.

The one exception is hx711_pio.py, which is a program for the RP2040's and RP2350's own hardware.
"""
