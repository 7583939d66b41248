"""What calibrations.py is on a board that has no place for one; that module then takes no memory."""


class NoCalibrations:
    """Keeps nothing, and knows no commands."""

    commands: "dict" = {}
    faulty = False

    def use_kept(self, tool):
        """Do nothing: none is kept."""

    def drop(self, owner):
        """Do nothing: `owner` has written nothing."""

    def second(self, may_write):
        """Do nothing."""
