"""Whoever listens to a run: those of Python and of plugins, and trackers that recipes name."""
