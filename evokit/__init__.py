"""evokit: a modular, plugin-based evolution toolkit on DEAP whose numbers can be trusted.

What others may rely on is named in ``__init__.pyi`` and imported when it is first used, and ``evokit.testing``;
``docs/api.md`` lists it.
"""

import lazy_loader

from evokit.common.version import VERSION

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = VERSION
