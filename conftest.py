"""Modules that need an extra are collected, for their doctests, only where it is installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("ray") else ["evokit/backends/ray.py", "evokit/backends/ray_actor.py"]
