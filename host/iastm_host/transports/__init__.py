"""Bytes in and out: the only room that knows pyserial and how a simulated tool is started."""
