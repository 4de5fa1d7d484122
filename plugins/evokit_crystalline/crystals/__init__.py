"""The library of crystals: structured matrices, the kinds that draw them, and what they cost."""
