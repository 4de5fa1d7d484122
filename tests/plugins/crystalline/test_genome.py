from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from evokit.errors import UserError
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_crystalline.crystals.matrices import Zero
from evokit_crystalline.crystals.options import LibraryOptions
from evokit_crystalline.crystals.saved import save_individuals
from evokit_crystalline.genome import CrystallineGenome, build_genome
from evokit_crystalline.options import Crystalline


def gpt2_slots(n_layer, n_embd):
    """Every linear projection of attention and MLP, as GPT-2 orders them."""
    return {
        f"h.{i}.{name}": shape
        for i in range(n_layer)
        for name, shape in {
            "attn.c_attn": (n_embd, 3 * n_embd),
            "attn.c_proj": (n_embd, n_embd),
            "mlp.c_fc": (n_embd, 4 * n_embd),
            "mlp.c_proj": (4 * n_embd, n_embd),
        }.items()
    }


def build(slots, seed=0, **options):
    context = Context(streams=Streams(seed), fitness=SimpleNamespace(slots=slots))
    return build_genome(Crystalline(LibraryOptions(**options)), context)


@pytest.fixture(scope="module")
def genome():
    return build(gpt2_slots(2, 16), size=6)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("n_layer", [1, 2, 12])
def test_there_are_four_genes_a_transformer_layer(n_layer, rng):
    genome = build(gpt2_slots(n_layer, 8), size=2)
    assert genome.n_genes == len(genome.random(rng)) == 4 * n_layer


def test_the_papers_model_has_eight_genes_of_64_choices_over_its_four_shapes():
    genome = build(gpt2_slots(2, 128))
    assert genome.sizes == (64,) * 8
    assert set(genome.library.matrices) == {(128, 384), (128, 128), (128, 512), (512, 128)}


def test_each_layer_gets_a_matrix_of_its_shape_in_the_order_of_the_slots(genome, rng):
    layers = genome.express(genome.random(rng))
    assert {name: matrix.shape for name, matrix in layers.items()} == genome.slots
    assert list(layers) == list(genome.slots)


def test_equal_genes_express_the_same_objects(genome):
    first, second = genome.express(np.array([1, 2, 3, 4] * 2)), genome.express(np.array([1, 2, 3, 5] * 2))
    assert first["h.0.mlp.c_fc"] is second["h.1.mlp.c_fc"]
    assert first["h.0.mlp.c_proj"] is not second["h.0.mlp.c_proj"]


def test_any_layer_names_and_shapes_can_be_filled(rng):
    genome = build({"wide": (3, 40), "narrow": [7, 1], "scalar": (1, 1)}, size=4)
    layers = genome.express(genome.random(rng))
    assert layers["narrow"].apply(torch.ones(5, 7)).shape == (5, 1)


def test_the_seed_decides_the_library():
    slots = gpt2_slots(1, 8)
    assert build(slots, size=4).library.digest == build(slots, size=4).library.digest
    assert build(slots, size=4).library.digest != build(slots, seed=1, size=4).library.digest


def test_show_names_layer_index_kind_and_cost(genome):
    lines = genome.show(np.array([3, 0, 0, 0, 0, 0, 0, 0])).splitlines()
    cost = genome.library[16, 48][3].multiply_adds
    assert len(lines) == 8
    assert lines[0] == f"h.0.attn.c_attn  16x48  #3 ternary_low_rank, {cost:,} of 768 multiply-adds"
    assert "h.1.mlp.c_proj" in lines[7]
    assert "block_diagonal" in lines[7]


def test_genes_survive_json(genome, rng):
    genes = genome.random(rng)
    assert np.array_equal(genome.from_json(genome.to_json(genes)), genes)


def test_an_index_outside_the_library_is_refused(genome):
    with pytest.raises(ValueError, match=r"genes\[7\]: must be an integer in 0..5, got 6"):
        genome.from_json([0] * 7 + [6])


def test_options_and_genome_declare_the_same_kinds(genome):
    assert Crystalline.phenotype == genome.phenotype == "layers"
    assert Crystalline.genes == genome.genes == "index_vector"


def test_a_recipe_section_becomes_options():
    data = {"library": {"size": 8, "kinds": ["block_diagonal"]}}
    assert TypeAdapter(Crystalline).validate_python(data) == Crystalline(LibraryOptions(8, ("block_diagonal",)))


def test_a_fitness_without_layers_is_refused():
    with pytest.raises(ValueError, match="no layers to fill"):
        build({})


def test_a_layer_without_inputs_is_refused():
    with pytest.raises(ValueError, match=r"layer 'empty': a shape must be positive, got \(0, 4\)"):
        build({"empty": (0, 4)})


def test_a_library_without_the_shape_is_refused(genome):
    with pytest.raises(ValueError, match=r"layer 'new' has shape \(5, 5\), for which the library holds no"):
        CrystallineGenome({"new": (5, 5)}, genome.library)


@pytest.fixture
def library(tmp_path):
    """A file with the crystals of two random individuals of blocks of 4 columns, and what they are."""
    slots = gpt2_slots(2, 4)
    source = build(slots, size=4, kinds=("zero", "block_diagonal"))
    genes = [np.full(8, 1), np.array([1, 1, 3, 3, 0, 0, 3, 3])]
    save_individuals([source.express(one) for one in genes], tmp_path / "library")
    return SimpleNamespace(path=tmp_path / "library", slots=slots, layers=[source.express(one) for one in genes])


def test_saved_individuals_are_among_the_first_of_another_run(library):
    genome = build(library.slots, kinds=("zero", "saved"), saved=library.path)
    assert genome.library.size == 6, "which takes all of them"
    off, *again = genome.seeds()
    assert all(isinstance(matrix, Zero) for matrix in genome.express(off).values())
    for layers, genes in zip(library.layers, again, strict=True):
        for name, matrix in genome.express(genes).items():
            assert matrix.dense().tolist() == layers[name].dense().tolist(), name


def test_of_saved_individuals_those_are_left_out_that_have_sets_beyond_the_size(library, caplog):
    genome = build(library.slots, size=2, kinds=("zero", "saved"), saved=library.path)
    assert len(genome.seeds()) == 2, "all off, and the first, both of whose blocks are one set"
    assert "size 2 has room for 1 of the 3 sets" in caplog.text
    assert "size: 6 takes all" in caplog.text


@pytest.mark.parametrize(("origin", "warned"), [("these parts", False), ("others", True)])
def test_crystals_of_other_continuous_parts_are_warned_of(library, origin, warned, caplog):
    save_individuals(library.layers, library.path, "these parts")
    fitness = SimpleNamespace(slots=library.slots, origin=origin)
    options = LibraryOptions(kinds=("zero", "saved"), saved=library.path)
    build_genome(Crystalline(options), Context(streams=Streams(0), fitness=fitness))
    assert ("were fitted beside parts that were made otherwise" in caplog.text) is warned


def test_saved_crystals_serve_beside_drawn_ones(library, rng):
    genome = build(library.slots, size=6, kinds=("block_diagonal", "saved"), saved=library.path)
    drawn = build(library.slots, size=3, kinds=("block_diagonal",))
    for shape, matrices in genome.library.matrices.items():
        ours = [one.dense().tolist() for one in matrices[::2]]
        assert ours == [one.dense().tolist() for one in drawn.library[shape]]


def test_a_library_is_part_of_what_a_run_is(library):
    with_file = build(library.slots, size=4, kinds=("zero", "saved"), saved=library.path)
    assert with_file.content_digest
    assert not build(library.slots, size=4, kinds=("zero", "block_diagonal")).content_digest


def test_a_library_of_another_model_is_refused(library):
    with pytest.raises(UserError, match=r"with layers of shapes \(4, 4\), .*, without \(8, 24\)"):
        build(gpt2_slots(2, 8), size=2, kinds=("zero", "saved"), saved=library.path)


def test_a_library_of_nothing_is_refused(library):
    nothing = {name: Zero(shape) for name, shape in library.slots.items()}
    save_individuals([nothing], library.path)
    with pytest.raises(UserError, match="holds no crystals: all its individuals are off"):
        build(library.slots, kinds=("zero", "saved"), saved=library.path)


@pytest.mark.parametrize("options", [{"kinds": ("zero", "saved")}, {"saved": Path("library")}], ids=["kind", "file"])
def test_a_file_and_its_kind_belong_together(options):
    with pytest.raises(ValueError, match=r"a file of saved crystals go together: give (saved|kinds)"):
        LibraryOptions(**options)


def paired(n_layer=2, size=6):
    """A genome whose fitness tells which layers belong together."""
    slots = gpt2_slots(n_layer, 8)
    names = list(slots)
    fitness = SimpleNamespace(slots=slots, sublayers=list(zip(names[::2], names[1::2], strict=True)))
    return build_genome(Crystalline(LibraryOptions(size=size)), Context(streams=Streams(0), fitness=fitness))


def test_own_crossover_exchanges_whole_sublayers(rng):
    a, b = np.zeros(8, int), np.ones(8, int)
    seen = set()
    for _ in range(40):
        first, second = paired().crossover(a, b, rng)
        assert (first + second == 1).all()
        assert (first[::2] == first[1::2]).all()
        seen.add(tuple(first[::2]))
    assert len(seen) > 8  # of 16


def test_own_mutation_moves_a_sublayer_together_or_one_of_its_layers(rng):
    genome, genes = paired(size=50), np.arange(1, 9)
    moved = np.concatenate([genome.mutate(genes, rng).reshape(4, 2) for _ in range(400)])
    changed = moved != np.tile(genes.reshape(4, 2), (400, 1))
    together = moved[:, 0] == moved[:, 1]
    assert 250 < together.sum() < 350  # three quarters of one sublayer each
    assert 60 < (changed.any(1) & ~together).sum() < 140
    assert (moved[together] <= 8).all(1).sum() == pytest.approx(0.5 * 1.1 * together.sum(), rel=0.3)
    assert genes.tolist() == list(range(1, 9))


def test_where_nothing_belongs_together_own_mutation_redraws_single_layers(genome, rng):
    genes = genome.random(rng)
    changed = np.mean([(genome.mutate(genes, rng) != genes).sum() for _ in range(400)])
    assert 0.5 < changed < 1
