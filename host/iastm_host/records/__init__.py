"""Recordings: every byte as it came, with its time, before anything decoded it."""
