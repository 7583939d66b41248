"""The calibration wizard's window: draws what `app/calibrating` says, and hands keys and buttons on to it."""
