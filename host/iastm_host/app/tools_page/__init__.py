"""The Tools page: which tools are known, their calibration, link, log and firmware. No Qt; a window draws snapshots."""
