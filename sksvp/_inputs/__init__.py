"""Checks of rows and labels, and base classes of lazy rows."""
