"""The groups of a network's parameters that a rule may treat apart. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal, get_args

Group = Literal["hidden", "first", "last", "vectors"]
"""Weights of hidden layers, of the first layer and embeddings, and of the last layer; biases and scales of
normalisations. Each parameter is in one of them.

Source: Yang et al. 2021, "Tensor Programs V", table 3, which tells hidden weights, input weights with all biases, and
output weights apart; biases are apart from input weights here, since Muon's authors and those who exempt biases from
weight decay treat them otherwise.
"""

GROUPS: tuple[Group, ...] = get_args(Group)
"""In the order of param_groups, and in which canonical rules prefer them as the base."""
