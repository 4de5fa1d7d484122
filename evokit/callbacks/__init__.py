"""Whoever listens to a run: those of Python and of plugins, and trackers of experiments that recipes name.

Imports the interfaces, `contracts` and `common`; packages of trackers are imported when a run starts. `runs` and
`calls` import who is called, `builtin` names the trackers.
"""
