"""The text view: what the window says, in a terminal or as plain lines."""
