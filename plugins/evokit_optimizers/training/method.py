"""What trains a network: an optimizer with its settings, and its update of one flat parameter vector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor

from evokit_optimizers.rules.engine import FlatUpdate
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.rule_json import rule_to_json
from evokit_optimizers.tasks.network import FlatNetwork


class Update(Protocol):
    """What moves parameters; ``FlatUpdate`` is one."""

    def step(self, parameters: Tensor, gradient: Tensor, t: int) -> None:
        """Move the ``(n,)`` parameters in place; ``t`` steps were made before."""

    def evaluated(self, parameters: Tensor) -> Tensor:
        """What is evaluated in place of ``parameters``, which stay as they are: they themselves, or an average."""

    def state_dict(self) -> Mapping[str, Any]:
        """Copies."""

    def load_state_dict(self, state: Any) -> None:
        """Go on from a ``state_dict``, which stays as it is."""


class Method(Protocol):
    """An optimizer with its settings, before it sees a network."""

    identity: Mapping[str, Any]  # JSON values

    def start(self, network: FlatNetwork, parameters: Tensor, n_steps: int) -> Update:
        """An update for ``parameters`` at step 0, its schedule over ``n_steps``."""


class Evolved:
    """A rule as a method.

    Args:
        rule: What is done in each step.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.identity: Mapping[str, Any] = rule_to_json(rule)

    def start(self, network: FlatNetwork, parameters: Tensor, n_steps: int) -> FlatUpdate:
        device = parameters.device
        return FlatUpdate(self.rule, network.shapes, n_steps, parameters.dtype, device, network.groups)
