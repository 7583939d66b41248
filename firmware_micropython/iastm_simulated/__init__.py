"""A tool without hardware: what plays the part of the board under the unchanged firmware."""
