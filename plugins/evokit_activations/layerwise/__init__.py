"""How the representations of a few images evolve, layer by layer: pure functions on tensors."""
