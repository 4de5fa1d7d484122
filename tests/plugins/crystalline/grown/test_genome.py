"""Grown crystals on a tiny model."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from evokit.energy import Meter
from evokit.errors import UserError
from evokit.genomes.individuals import key_of
from evokit.genomes.space.genome import SpaceGenome
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit.testing import genome_conformance
from evokit_crystalline.crystals.matrices import Zero
from evokit_crystalline.fitness import build_fitness
from evokit_crystalline.gpt2.measuring import Frame, mean_losses
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.gpt2.sizes import HEAD, Sizes
from evokit_crystalline.grown.genome import build_genome, places_of
from evokit_crystalline.options import Gpt2Loss, Grown
from tests.plugins.crystalline.grown.tiny import GROWN, tiny_fitness, tiny_genome
from tests.plugins.crystalline.tiny import FITTED, fitted_context

ATTENTION = {"heads": ["back_1", "back_2"], "ridge": 0.3, "damping": 0.1, "step": 1}
ALL_ON = {
    "attention_0": {"on": True, "structure": "low_rank", "rank": 1, **ATTENTION},
    "attention_1": {"on": True, "structure": "ternary", "rank": 1, **ATTENTION, "heads": ["back_1", "all"]},
    "mlp_1": {"on": True, "structure": "low_rank", "rank": 0.5, "scale": 1, "ridge": 10, "damping": 0.3, "step": 1},
    "mlp_0": {
        "on": True,
        "structure": "block_diagonal",
        "blocks": 2,
        "scale": 1.5,
        "ridge": 30,
        "damping": 1,
        "step": 0.3,
    },
}
OFF = {"on": False}


@pytest.fixture(scope="module")
def fitness():
    return tiny_fitness()


@pytest.fixture(scope="module")
def genome(fitness, tmp_path_factory):
    return tiny_genome(fitness, tmp_path_factory.mktemp("run"))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def grown(genome, **places):
    """The layers of places; those that are not named are off."""
    return genome.express(genome.from_json({name: places.get(name, OFF) for name in ALL_ON}))


def bits(layers):
    return {name: matrix.dense().numpy().tobytes() for name, matrix in layers.items()}


def checked_losses(fitness, *individuals):
    """On the tokens that decide whether fits are taken."""
    blocks = fitness.held_out.for_crystals.take(slice(GROWN.checked_tokens // 16))
    return mean_losses(fitness.frame, [list(one.values()) for one in individuals], blocks)


def test_it_keeps_the_contract_of_a_genome(tmp_path):
    """One block of the model and few tokens, as a hundred individuals are fitted."""
    few = Grown(fit_tokens=64, predicted_tokens=64, checked_tokens=32)
    genome_conformance(tiny_genome(tiny_fitness(replace(FITTED, n_layer=1)), tmp_path, few))()


def test_crystals_are_fitted_beside_what_never_counted_their_lessons_whatever_the_model_is():
    options = Gpt2Loss(FITTED, tokens=256, block=16, continuous=Continuous(fit="bigram_newton", lessons=0.4))
    fitness, other = (build_fitness(options, fitted_context()) for _ in range(2))
    parts = dict(other.frame.parts)
    other.frame = Frame.of(FITTED, parts | {HEAD: -parts[HEAD]}, "float32")
    other.context = "another"  # so that nothing is found in a cache
    genomes = [tiny_genome(one) for one in (fitness, other)]
    assert bits(grown(genomes[0], **ALL_ON)) == bits(grown(genomes[1], **ALL_ON))
    sets = [one.learn(2, Streams(0), Meter()) for one in (fitness, other)]
    assert [[m.dense().tolist() for m in made.values()] for made in sets[0]] == [
        [m.dense().tolist() for m in made.values()] for made in sets[1]
    ]


def test_attentions_come_first_then_mlps_from_output_to_input():
    assert list(places_of(Sizes(n_layer=2)).items()) == [
        ("attention_0", 0), ("attention_1", 2), ("mlp_1", 3), ("mlp_0", 1)
    ]  # fmt: skip


def test_layers_fill_the_slots_in_their_order(genome, fitness):
    layers = grown(genome, **ALL_ON)
    assert {name: matrix.shape for name, matrix in layers.items()} == fitness.slots
    assert list(layers) == list(fitness.slots)


def test_places_that_are_off_are_zero_and_none_is_the_closed_form(genome, fitness):
    layers = grown(genome)
    assert all(isinstance(matrix, Zero) for matrix in layers.values())
    (one,) = fitness.evaluate([layers], 256)
    (other,) = fitness.evaluate([{name: Zero(shape) for name, shape in fitness.slots.items()}], 256)
    assert (one.values, one.work) == (other.values, 256)


def test_each_fit_makes_the_model_better_on_tokens_left_out_or_is_not_taken(genome, fitness, rng):
    names = list(ALL_ON)
    chains = [ALL_ON, *(SpaceGenome.express(genome, genome.random(rng)) for _ in range(6))]
    for chain in chains:
        prefixes = [grown(genome, **{name: chain[name] for name in names[:n]}) for n in range(len(names) + 1)]
        losses = checked_losses(fitness, *prefixes)
        for before, after, name, one, other in zip(losses, losses[1:], names, prefixes, prefixes[1:], strict=False):
            assert after <= before, name
            assert (after == before) == (bits(one) == bits(other)), name


def test_crystals_that_say_something_make_validation_better(genome, fitness):
    closed, one, all_on = fitness.evaluate(
        [grown(genome), grown(genome, attention_0=ALL_ON["attention_0"]), grown(genome, **ALL_ON)], 256
    )
    assert max(one.values[0], all_on.values[0]) < closed.values[0] - 0.05


def test_a_step_that_does_not_help_is_not_taken(fitness):
    """Two blocks with 64 features, and next to nothing that holds the regression back."""
    genome = tiny_genome(fitness, options=Grown(fit_tokens=32, predicted_tokens=32, checked_tokens=320))
    genes = {"on": True, "structure": "low_rank", "rank": 1, "ridge": 0.1, "damping": 0.1, "step": 1}
    layers = grown(genome, mlp_1=genes | {"scale": 3})
    assert isinstance(layers["transformer.h.1.mlp.c_fc"], Zero)
    assert isinstance(layers["transformer.h.1.mlp.c_proj"], Zero)
    assert layers.work in [32 + checks * 320 for checks in (2, 3, 4)]  # it was tried all the same


@pytest.mark.parametrize("first", [True, False])
def test_the_same_bits_with_and_without_a_cache(fitness, tmp_path, first):
    fresh = bits(grown(tiny_genome(fitness), **ALL_ON))
    cached = tiny_genome(fitness, tmp_path)
    if first:
        grown(cached, attention_0=ALL_ON["attention_0"], mlp_0=ALL_ON["mlp_0"])
    assert bits(grown(cached, **ALL_ON)) == fresh
    assert bits(grown(cached, **ALL_ON)) == fresh
    assert bits(grown(tiny_genome(fitness, tmp_path), **ALL_ON)) == fresh


def test_individuals_that_begin_alike_share_their_first_fits(fitness, tmp_path):
    genome = tiny_genome(fitness, tmp_path)
    grown(genome, **ALL_ON)
    fits = genome.growth.fits
    assert (fits.made, fits.read) == (1 + 4 * 2, 0)  # the model's own predictions once, and what is asked of each place
    grown(genome, **ALL_ON | {"mlp_1": ALL_ON["mlp_1"] | {"step": 0.5}})
    assert (fits.made, fits.read) == (9 + 1 + 2, 2 + 1)  # of mlp_1 the same is asked
    grown(genome, attention_0=ALL_ON["attention_0"], attention_1=ALL_ON["attention_1"])
    assert (fits.made, fits.read) == (12, 5)
    other = tiny_genome(fitness, tmp_path)  # of another worker
    grown(other, **ALL_ON)
    assert (other.growth.fits.made, other.growth.fits.read) == (0, 5)


def test_another_model_other_tokens_and_other_options_share_nothing(fitness, tmp_path):
    grown(tiny_genome(fitness, tmp_path), attention_0=ALL_ON["attention_0"])
    for options in (Grown(predicted_tokens=320, checked_tokens=160), Grown(predicted_tokens=160, checked_tokens=320)):
        other = tiny_genome(fitness, tmp_path, options)
        grown(other, attention_0=ALL_ON["attention_0"])
        assert other.growth.fits.read == 0


def test_work_is_that_of_all_places_wherever_their_fits_come_from(fitness, tmp_path):
    genome = tiny_genome(fitness, tmp_path)
    to_fit = len(fitness.held_out.for_crystals) - 10
    for _ in range(2):
        layers = grown(genome, attention_0=ALL_ON["attention_0"])
        assert layers.work == (to_fit + 2 * 10) * 16  # its whole step helps, and a shorter one less
        (one,) = fitness.evaluate([layers], 256)
        assert one.work == 256 + layers.work


def test_genes_of_places_that_are_off_do_not_count(genome, rng):
    for _ in range(20):
        genes = list(genome.random(rng))
        switch = genome.leaves[0]
        assert switch.name == "attention_0.on"
        off = genome.canonical((0, *genes[1:]))
        told = [leaf.name for leaf, gene in zip(genome.leaves, off, strict=True) if gene is not None]
        assert [name for name in told if name.startswith("attention_0.")] == ["attention_0.on"]


def test_heads_in_any_order_are_one_individual(genome):
    told = dict.fromkeys(ALL_ON, OFF)
    keys = set()
    for heads in (["back_1", "all"], ["all", "back_1"]):
        genes = genome.from_json(told | {"attention_0": ALL_ON["attention_0"] | {"heads": heads}})
        keys.add(key_of(genome, genome.canonical(genes)))
    assert len(keys) == 1


def test_seeds_are_the_closed_form_and_all_places_on(genome):
    off, on = genome.seeds()
    assert not any(told["on"] for told in SpaceGenome.express(genome, off).values())
    assert all(told["on"] for told in SpaceGenome.express(genome, on).values())
    assert [genome.canonical(one) for one in (off, on)] == [off, on]


@pytest.mark.parametrize("seeds", [(), ("off",), ("hand", "off")])
def test_which_seeds_there_are_can_be_said(fitness, genome, seeds):
    known = dict(zip(("off", "hand"), genome.seeds(), strict=True))
    assert tiny_genome(fitness, options=replace(GROWN, seeds=seeds)).seeds() == [known[seed] for seed in seeds]


def test_fewer_tokens_to_fit_to(fitness):
    few = tiny_genome(fitness, options=Grown(fit_tokens=160, predicted_tokens=160, checked_tokens=160))
    assert grown(few, attention_0=ALL_ON["attention_0"]).work in [160 + checks * 160 for checks in (1, 2, 3, 4)]
    assert torch.isfinite(grown(few, **ALL_ON)["transformer.h.0.attn.c_proj"].dense()).all()


def test_too_few_tokens_are_refused(fitness):
    told = r"\d+ blocks of 16 tokens to crystals, too few for {} that check fits \(checked_tokens\) and {} that they"
    with pytest.raises(UserError, match=told.format(6250, 1)):
        tiny_genome(fitness, options=Grown(checked_tokens=100_000))
    with pytest.raises(UserError, match=told.format(10, 6250)):
        tiny_genome(fitness, options=Grown(checked_tokens=160, fit_tokens=100_000))


def test_another_fitness_is_refused():
    with pytest.raises(UserError, match="genome grown: fits crystals to what gpt2_loss asks for"):
        build_genome(Grown(), Context(Streams(0), fitness=SimpleNamespace(slots={"layer": (2, 2)})))


def test_a_fitness_without_a_closed_form_is_refused():
    random = build_fitness(Gpt2Loss(FITTED, tokens=256, block=16), fitted_context())
    with pytest.raises(UserError, match=r"genome grown: needs continuous parts in closed form: add continuous"):
        tiny_genome(random)
