from iastm_firmware.start import main  # finds what is wired here: board.py, or the board's own file

main()
