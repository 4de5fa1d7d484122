"""Evolving the geometry of class targets: a few numbers say what networks learn in place of labels."""
