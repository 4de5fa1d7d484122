"""Known optimizers as rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.rule import Rule

Known = Literal["sgd", "adam", "adamw", "rmsprop", "lion", "muon"]

_MUON = Rule((("ORTHOGONAL_NESTEROV", 1.0),), lr=0.02, beta1=0.95, bias_correction=False)

KNOWN: Mapping[str, Rule] = {
    # The momentum is an average: this is torch's SGD at lr 0.01, which sums the gradients.
    "sgd": Rule((("MOMENTUM", 1.0),), lr=0.1, beta1=0.9, bias_correction=False),
    "adam": Rule((("ADAM_TERM", 1.0),), lr=1e-3),
    "adamw": Rule((("ADAM_TERM", 1.0),), lr=1e-3, weight_decay=0.01),
    "rmsprop": Rule((("RMS_NORM", 1.0),), lr=1e-3, beta2=0.99, bias_correction=False),
    "lion": Rule((("SIGN_MOMENTUM", 1.0),), lr=1e-4, beta2=0.99, weight_decay=0.1),
    # Muon for the matrices of hidden layers and Adam for all else, as in SingleDeviceMuonWithAuxAdam of its authors.
    "muon": canonical(Rule((("ADAM_TERM", 1.0),), lr=3e-4, beta2=0.95, eps=1e-10, parts=(("hidden", _MUON),))),
}
"""With the defaults of their references, but RMSProp's learning rate, which is the seed code's."""
