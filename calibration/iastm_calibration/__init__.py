"""Counts to newtons with their uncertainty."""
