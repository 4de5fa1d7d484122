"""Crystals that are grown: a genome says how each is made, and each is fitted to the model with those before it."""
