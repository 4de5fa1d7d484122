import numpy as np
import pytest

from evokit.genomes.self_adaptive_vector import SelfAdaptiveVector, SelfAdaptiveVectorOptions
from evokit.testing import genome_conformance

test_one_step = genome_conformance(SelfAdaptiveVectorOptions(length=3))
test_a_step_each = genome_conformance(SelfAdaptiveVectorOptions(length=3, step_sizes="each"))


def test_what_is_measured_and_encoded_has_no_steps():
    genome = SelfAdaptiveVector(-2, [1, 2, 3], 3, 1, 0.1)
    genes = genome.random(np.random.default_rng(0))
    assert genome.express(genes).tolist() == genes[:3].tolist()
    assert genome.encode(genes).tolist() == genes[:3].astype(np.float32).tolist()
    assert genes[3] == pytest.approx(np.log(0.1))


def test_wrong_bounds_are_named():
    with pytest.raises(ValueError, match="low: must be below high"):
        SelfAdaptiveVector(2, 1, 3, 1, 0.1)
