"""evokit: a modular, plugin-based evolution toolkit on DEAP whose numbers can be trusted."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from evokit.common.version import VERSION

if TYPE_CHECKING:
    from evokit.deap_toolbox import toolbox
    from evokit.hookspecs import hookimpl
    from evokit.interfaces import Component, Context, Data, Evaluation

__version__ = VERSION

__all__ = ["Component", "Context", "Data", "Evaluation", "hookimpl", "toolbox"]

_HOME = {
    "Component": "evokit.interfaces",
    "Context": "evokit.interfaces",
    "Data": "evokit.interfaces",
    "Evaluation": "evokit.interfaces",
    "hookimpl": "evokit.hookspecs",
    "toolbox": "evokit.deap_toolbox",
}


def __getattr__(name: str) -> Any:
    # Imported on first use, so that `evokit --help` need not wait for NumPy.
    if name not in _HOME:
        raise AttributeError(f"module 'evokit' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
