"""The host side of the IASTM toolkit: links, analysis, recordings, window and text view."""
