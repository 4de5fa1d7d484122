"""The GPT-2 loss as a fitness."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from evokit.errors import UserError
from evokit.streams import Streams
from evokit_crystalline.crystals.matrices import Dense
from evokit_crystalline.fitness import build_fitness, evaluation
from evokit_crystalline.gpt2.loss import fastest_precision
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.options import Gpt2Loss
from tests.plugins.crystalline.tiny import SIZES, context, phenotype

OPTIONS = Gpt2Loss(SIZES, tokens=256, rungs=(128,), block=16)


@pytest.fixture(scope="module")
def fitness():
    return build_fitness(OPTIONS, context())


def test_random_matrices_score_near_the_logarithm_of_the_vocabulary(fitness):
    (result,) = fitness.evaluate([phenotype(0)], 256)
    assert result.values[0] == pytest.approx(np.log(50257), abs=0.1)
    assert result.metrics["perplexity"] == pytest.approx(np.exp(result.values[0]))
    assert result.work == 256


def test_results_come_in_the_order_of_the_batch_and_equal_those_alone(fitness):
    batch = [phenotype(seed) for seed in (2, 0, 1)]
    alone = [fitness.evaluate([one], 128)[0] for one in batch]
    assert fitness.evaluate(batch, 128) == alone


def test_a_lower_budget_reads_a_prefix_of_the_same_blocks(fitness):
    short = build_fitness(replace(OPTIONS, tokens=128, rungs=()), context())
    assert np.array_equal(short.blocks.inputs, fitness.blocks.inputs[:8])
    assert short.evaluate([phenotype(0)], 128) == fitness.evaluate([phenotype(0)], 128)


def test_the_validation_blocks_are_the_same_for_every_seed(fitness):
    other = build_fitness(OPTIONS, replace(context(), streams=Streams(99)))
    assert np.array_equal(other.blocks.inputs, fitness.blocks.inputs)


@pytest.mark.parametrize(
    "change",
    [{"streams": Streams(4)}, {"data_digest": "other"}, {"threads": 2}],
    ids=["continuous parts", "data", "threads"],
)
def test_the_context_tells_apart_what_decides_a_value(fitness, change):
    assert build_fitness(OPTIONS, context()).context == fitness.context
    assert build_fitness(OPTIONS, replace(context(), **change)).context != fitness.context


def test_a_fresh_fitness_reads_other_blocks(fitness):
    fresh = fitness.fresh()
    used = {block.tobytes() for block in fitness.blocks.inputs}
    assert used.isdisjoint(block.tobytes() for block in fresh.blocks.inputs)
    assert fresh.context != fitness.context
    assert fresh.budgets == fitness.budgets


def test_asking_for_more_blocks_than_there_are_is_an_error():
    with pytest.raises(UserError, match="tokens in whole blocks of 16 left, 16384 are needed"):
        build_fitness(replace(OPTIONS, tokens=16384), context())


def test_a_loss_that_is_not_finite_is_an_outcome(fitness):
    broken = phenotype(0)
    broken["transformer.h.0.attn.c_attn"] = Dense(np.full((8, 24), np.inf))
    bad, good = fitness.evaluate([broken, phenotype(1)], 128)
    assert (bad.outcome, bad.values) == ("nan", ())
    assert good == fitness.evaluate([phenotype(1)], 128)[0]


def test_a_perplexity_beyond_all_floats_is_the_largest():
    assert np.isfinite(evaluation(1e6, 1).metrics["perplexity"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"transformer.h.1.mlp.c_fc": None}, "layer transformer.h.1.mlp.c_fc is missing"),
        ({"lm_head": Dense(np.ones((8, 8)))}, "the model has no layer lm_head"),
        ({"transformer.h.0.attn.c_proj": Dense(np.ones((8, 4)))}, r"c_proj must be \(8, 8\), got \(8, 4\)"),
    ],
)
def test_a_phenotype_that_does_not_fit_names_the_layer(fitness, change, message):
    wrong = {name: matrix for name, matrix in (phenotype(0) | change).items() if matrix is not None}
    with pytest.raises(ValueError, match=message):
        fitness.evaluate([wrong], 128)


def test_a_budget_off_the_ladder_is_an_error(fitness):
    with pytest.raises(ValueError, match=r"budget must be one of \[128, 256\], got 100"):
        fitness.evaluate([phenotype(0)], 100)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": 200}, "multiples of block"),
        ({"rungs": (256,)}, "rungs must ascend and stay below tokens"),
        ({"block": 32}, "block must be at most n_positions, got 32 and 16"),
    ],
)
def test_options_that_contradict_each_other_are_errors(change, message):
    with pytest.raises(ValueError, match=message):
        replace(OPTIONS, **change)


def test_a_pretrained_start_needs_a_source():
    with pytest.raises(ValueError, match="source belongs to init: pretrained"):
        Continuous("pretrained")


PEAK = """
import re
import numpy as np
from evokit.data.text import join_documents
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_crystalline.crystals.matrices import Dense
from evokit_crystalline.gpt2.loss import fastest_precision
from evokit_crystalline.fitness import build_fitness
from evokit_crystalline.options import Gpt2Loss

def memory(line):
    return int(re.search(line + r":\\s+(\\d+)", open("/proc/self/status").read()).group(1)) / 2**20

text = join_documents([np.random.default_rng(0).integers(50257, size=9000)], ["a"])
fitness = build_fitness(Gpt2Loss(), Context(Streams(0), validation=text))
layers = {name: Dense(np.ones(shape) / 100) for name, shape in fitness.slots.items()}
before = memory("VmRSS")
fitness.evaluate([layers], 8192)
print(memory("VmHWM") - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc, which only Linux has")
def test_an_evaluation_of_8192_tokens_takes_less_than_a_gibibyte():
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1.0


def test_precision_auto_is_what_the_processor_multiplies_fastest():
    fitness = build_fitness(Gpt2Loss(SIZES, tokens=128, block=16, precision="auto"), context())
    assert fitness.precision == fastest_precision("cpu")


def test_the_arithmetic_of_the_layers_is_a_second_objective():
    both = build_fitness(replace(OPTIONS, objectives=("loss", "madds")), context())
    assert both.objectives == {"loss": "min", "madds": "min"}
    (loss,) = build_fitness(OPTIONS, context()).evaluate([phenotype(0)], 128)
    (one,) = both.evaluate([phenotype(0)], 128)
    assert one.values == (loss.values[0], float(sum(matrix.multiply_adds for matrix in phenotype(0).values())))
    assert one.metrics["additions"] == 0
    assert both.context != build_fitness(OPTIONS, context()).context


def test_a_failure_has_no_second_objective_either():
    broken = phenotype(0)
    broken["transformer.h.0.attn.c_attn"] = Dense(np.full((8, 24), np.inf))
    (bad,) = build_fitness(replace(OPTIONS, objectives=("loss", "madds")), context()).evaluate([broken], 128)
    assert (bad.outcome, bad.values) == ("nan", ())


@pytest.mark.parametrize("objectives", [("madds",), ("madds", "loss"), ("loss", "loss")])
def test_other_objectives_are_refused(objectives):
    with pytest.raises(ValueError, match=r"objectives must be \[loss\] or \[loss, madds\]"):
        replace(OPTIONS, objectives=objectives)
