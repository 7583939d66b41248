from board import Board  # the one file of pins that flashing puts beside this one
from iastm_firmware import app

app.run(Board())
