import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from evokit.assembly.parts import assemble
from evokit.errors import UserError
from evokit.genomes.bits import Bits
from evokit.recipe import RecipeError, load_recipe
from tests.small import TOY_RECIPE

BITS = "fitness: {name: onemax}\ngenome: {name: bits, length: 8}\n"
EVOLVED = "search: {name: generational}\ncrossover: {name: uniform}\nmutation: {name: bit_flip}\n"


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Assembles a recipe from text, under the name ``r.yaml``."""
    monkeypatch.chdir(tmp_path)

    def parts(text):
        Path("r.yaml").write_text(BITS + text)
        return assemble(load_recipe(Path("r.yaml")))

    return parts


def test_parts_see_those_built_before_them(parts):
    context = parts(EVOLVED).context
    assert context.genome.n_genes == 8
    assert sorted(context.operators) == ["crossover", "mutation", "selection"]


def test_another_vault_makes_other_data_whatever_the_component_digested(tmp_path):
    (tmp_path / "toy.yaml").write_text(TOY_RECIPE)
    shares = (0.0, 0.3, 0.6)  # of which the last two keep other points
    found = {assemble(load_recipe(tmp_path / "toy.yaml", [f"data.vault={share}"])).data.digest for share in shares}
    assert len(found) == 3


def test_no_part_is_given_the_test_split():
    from evokit.interfaces import Context

    assert not {"test", "vault"} & set(Context.__dataclass_fields__)


def test_a_search_without_an_end_is_refused(parts):
    with pytest.raises(RecipeError, match=r"r.yaml:3: search: random_search has no end; give it generations"):
        parts("search: {name: random_search}\n")


def test_a_stop_rule_is_an_end(parts):
    assert parts("search: {name: random_search}\nstop: {work: 10}\n").search.horizon is None


def test_a_second_baseline_of_a_kind_gets_a_number(parts):
    built = parts(EVOLVED + "baselines: [{name: random_search}, {name: random_search, batch: 2}]\n")
    assert [name for name, _ in built.named_baselines()] == ["random_search", "random_search-2"]


def test_what_a_part_refuses_is_told_with_file_and_line(parts):
    with pytest.raises(RecipeError, match=r"r.yaml:6: .*one budget only"):
        parts(EVOLVED + "screens: [{name: race}]\n")


def test_a_genome_that_cannot_be_drawn_is_a_recipe_error(parts, monkeypatch):
    from evokit.genomes.bits import Bits

    def too_large(self, rng):
        raise MemoryError("no room")

    monkeypatch.setattr(Bits, "random", too_large)
    with pytest.raises(RecipeError, match=r"r.yaml:2: genome.bits: no individual can be drawn: no room"):
        parts(EVOLVED)


BUILT = """from dataclasses import dataclass

from evokit import Component, hookimpl
from evokit.genomes.bits import Bits


@dataclass(frozen=True)
class Switches:
    n: int = 5
    genes = "bits"
    phenotype = "bits"


@dataclass(frozen=True)
class Silent:
    n: int = 5
    genes = "bits"


def make(options, context):
    {body}


@hookimpl
def evokit_components():
    return [Component("genome", "switches", {options}, build={build})]
"""


@pytest.fixture
def switches(tmp_path, monkeypatch):
    """Assembles a recipe whose genome a component's ``build`` makes."""
    monkeypatch.chdir(tmp_path)

    def switches(build, body="return Bits(options.n)", options="Switches", fitness="onemax"):
        Path("mine.py").write_text(BUILT.format(body=body, build=build, options=options))
        Path("r.yaml").write_text(
            f"plugins: [mine.py]\nfitness: {{name: {fitness}}}\ngenome: {{name: switches}}\n{EVOLVED}"
        )
        return assemble(load_recipe(Path("r.yaml")))

    return switches


def one_more(options, context):
    return Bits(options.n + 1)


def test_a_component_says_what_builds_it_of_its_options(switches):
    assert switches("make").genome.n_genes == 5
    assert switches(f"'{__name__}:one_more'").genome.n_genes == 6


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (
            "'nowhere.at.all:make'",
            r"r.yaml:3: genome.switches: nothing can be built by build='nowhere.at.all:make': .*nowhere",
        ),
        (
            "'evokit.genomes.bits:mkae'",
            r"r.yaml:3: .*no attribute 'mkae'.*; it must be a function of \(options, context\)",
        ),
        ("'evokit.genomes.bits:np'", r"r.yaml:3: .*build='evokit.genomes.bits:np': .*; it must be a function of"),
        ("'evokit.genomes.bits'", "build must be a function or 'module:function', got 'evokit.genomes.bits'"),
        ("7", "build must be a function or 'module:function', got 7"),
    ],
)
def test_a_build_that_is_not_there_is_one_sentence(switches, build, told):
    with pytest.raises(UserError, match=told):
        switches(build)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("raise KeyError(4)", r"r.yaml:3: genome.switches: make \(plugin mine.py, .*mine.py:20\) raised KeyError: 4"),
        ("raise ValueError('too few')", "r.yaml:3: genome.switches: too few"),
        ("pass", r"make \(plugin mine.py, .*\) returned nothing; return the genome"),
    ],
)
def test_what_a_build_does_wrong_is_one_sentence(switches, body, told):
    with pytest.raises(UserError, match=told):
        switches("make", body)


def test_a_card_that_is_not_there_is_refused_also_where_no_part_would_notice(parts, monkeypatch):
    torch = pytest.importorskip("torch", reason="torch is not installed; the extra neural ends this")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    parts(EVOLVED + "execution: {device: cuda}\n")
    with pytest.raises(
        RecipeError, match=r"r.yaml:6: execution.device: cuda:1 cannot be used, torch sees 1 CUDA device"
    ):
        parts(EVOLVED + "execution: {device: 'cuda:1'}\n")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(RecipeError, match=r"cuda cannot be used, torch sees no CUDA device here .*; or write cpu"):
        parts(EVOLVED + "execution: {device: cuda}\n")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(RecipeError, match=r"torch is not installed: pip install 'evokit-deap\[neural\]'"):
        parts(EVOLVED + "execution: {device: cuda}\n")


@dataclass(frozen=True)
class Seven:
    n: int = 7
    genes = "bits"
    phenotype = "bits"


def test_options_may_be_named_where_they_lie(switches):
    assert switches("make", options=f"'{__name__}:Seven'").genome.n_genes == 7


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            "'nowhere.at.all:Bits'",
            r"mine.py: .*genome 'switches': there are no options at 'nowhere.at.all:Bits': No module",
        ),
        (
            "'evokit.genomes.bits:Botsies'",
            "there are no options at 'evokit.genomes.bits:Botsies': .*no attribute 'Botsies'",
        ),
        ("'evokit.genomes.bits:Bits'", "genome 'switches': options must be a frozen"),
        ("'evokit.genomes.bits'", "options must be a class or 'module:Class', got 'evokit.genomes.bits'"),
    ],
)
def test_named_options_that_are_not_there_are_one_sentence(switches, options, told):
    with pytest.raises(UserError, match=told):
        switches("''", options=options)


def test_a_genome_that_does_not_say_what_it_expresses_is_compared_with_the_fitness_when_it_is_built(switches):
    with pytest.raises(RecipeError, match=r"r.yaml:3: genome: switches expresses bits, sphere takes vector"):
        switches("make", options="Silent", fitness="sphere")


def test_a_fitness_that_is_a_number_is_told_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = BUILT.format(body="return 3", build="make", options="Switches").replace('"genome"', '"fitness"')
    Path("mine.py").write_text(text)
    Path("r.yaml").write_text(
        "plugins: [mine.py]\nfitness: {name: switches}\ngenome: {name: bits, length: 3}\n" + EVOLVED
    )
    with pytest.raises(UserError, match=r"r.yaml:2: fitness.switches: int has no objectives, which a fitness needs"):
        assemble(load_recipe(Path("r.yaml")))
