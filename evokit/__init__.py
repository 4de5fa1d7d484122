"""evokit: a modular, plugin-based evolution toolkit on DEAP whose numbers can be trusted."""

from evokit.hookspecs import hookimpl
from evokit.interfaces import Component, Context, Data, Evaluation

__version__ = "0.1.0"

__all__ = ["Component", "Context", "Data", "Evaluation", "hookimpl"]
