"""Crystals that are fitted to held-out training documents by regressions, without a gradient."""
