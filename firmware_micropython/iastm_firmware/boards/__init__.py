"""Boards: what each has of what app.py asks for, and where its parts are wired."""
