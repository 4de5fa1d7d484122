"""The contract of a genome, as one line. Needs the plugin installed: ``pip install -e .``, then ``pytest``."""

from evokit.testing import genome_conformance

test_tours = genome_conformance("tours", n_cities=8)
