import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evokit.errors import UserError
from evokit.recipe import RecipeError, load_recipe

from .conftest import ONEMAX, PLUGIN

LOSS = ONEMAX.replace("onemax", "loss")


def test_four_mistakes_in_one_file_are_all_told_with_their_lines(problems):
    text = """\
seed: 0
search: {name: generational, population: 64, elits: 1}
genome: {name: bits, length: 0}
selection: {name: tournament, size: "3"}
crossover: {name: uniform}
mutation: {name: flip}
fitness: {name: onemx}
"""
    assert problems(text) == [
        "r.yaml:2: search.elits: unknown key (known: generations, population)",
        "r.yaml:3: genome.length: must be at least 1, got 0",
        "r.yaml:4: selection.size: must be an integer, got '3'",
        "r.yaml:7: fitness.name: unknown fitness 'onemx'; did you mean 'onemax'? (available: length, loss, onemax)",
    ]


def test_a_section_with_two_faults_tells_both(problems):
    assert problems(ONEMAX.replace("length: 32", "lenght: 32")) == [
        "r.yaml:2: genome: length is missing",
        "r.yaml:2: genome.lenght: unknown key; did you mean 'length'? (known: length)",
    ]


def test_block_style_tells_the_line_of_the_value(problems):
    text = ONEMAX.replace("genome: {name: bits, length: 32}", "genome:\n  name: bits\n  length: 0")
    assert problems(text) == ["r.yaml:4: genome.length: must be at least 1, got 0"]


def test_problems_of_all_files_and_of_the_command_line_come_together(problems):
    Path("base.yaml").write_text(ONEMAX.replace("prob: 0.1", "prob: 2"))
    assert problems("repeats: 0\nextends: base.yaml\n", "search.population=1", "sed=1") == [
        "r.yaml:1: repeats: must be at least 1, got 0",
        "base.yaml:5: mutation.prob: must be at most 1, got 2",
        "--set: sed: unknown key; did you mean 'seed'? (known: baselines, callbacks, confirm, crossover, data, "
        "execution, export, extends, final, fitness, genome, init, mutation, plugins, repeats, screens, search, seed, "
        "selection, stop)",
        "--set: search.population: must be at least 2, got 1",
    ]


def test_the_problems_are_those_of_the_error(load):
    with pytest.raises(RecipeError, match="seed") as caught:
        load(ONEMAX, "seed=-1", "repeats=x")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed=-1", "seed: must be at least 0, got -1"),
        ("seed='1'", "seed: must be an integer, got '1'"),
        ("stop.patience=0", "stop.patience: must be at least 1, got 0"),
        ("stop.wrk=1", "stop.wrk: unknown key; did you mean 'work'? (known: patience, seconds, target, work)"),
        ("stop=5", "stop: must be a mapping, got 5"),
        ("confirm={}", "confirm: top is missing"),
        ("execution.backend=mpi", "execution.backend: must be 'processes', 'inline' or 'ray', got 'mpi'"),
        ("execution.device=gpu", "execution.device: must be cpu, cuda or cuda:0, got 'gpu'"),
        (
            "execution.num_gpus=0.5",
            "execution.num_gpus: backend processes does not read it; write execution: {backend: ray, num_gpus: 0.5}",
        ),
        (
            "execution={backend: ray, device: cuda}",
            "execution.num_gpus: Ray hides all GPUs from workers that ask for none; write the share of one, e.g. 0.25",
        ),
        (
            "execution={backend: ray, device: 'cuda:1', num_gpus: 1}",
            "execution.device: Ray chooses the card, and a worker sees no other; write device: cuda",
        ),
        ("execution.device='cuda:'", "execution.device: must be cpu, cuda or cuda:0, got 'cuda:'"),
        ("fitness=onemax", "fitness: must be a mapping like {name: ...}, got 'onemax'"),
        ("fitness={}", "fitness: name is missing (available: length, loss, onemax)"),
        ("screens={}", "screens: must be a list, got a mapping"),
        ("screens=[surrogate]", "screens.0: must be a mapping like {name: ...}, got 'surrogate'"),
        ("final=3", "final: must be a mapping, got 3"),
        ("final.seeds=0", "final.seeds: must be at least 1, got 0"),
        ("final.polish=1", "final.polish: unknown key (known: seeds, test)"),
        ("baselines=[{name: adamw}]", "baselines.0.name: baseline 'adamw' belongs to loss, not to onemax"),
        ("export=[files]", "export.0.name: export 'files' belongs to loss, not to onemax"),
    ],
)
def test_a_wrong_setting_is_told(problems, override, message):
    text = ONEMAX.replace("search:", "seed: 0\nsearch:")
    assert [line.split(": ", 1)[1] for line in problems(text, override)] == [message]


@pytest.mark.parametrize("kind", ["fitness", "genome", "search"])
def test_a_recipe_needs_fitness_genome_and_search(problems, kind):
    assert f"r.yaml:1: {kind} is missing (available: " in problems(ONEMAX, f"{kind}=null")[0]


def test_a_value_that_options_refuse_is_told_as_they_say_it(problems):
    low = LOSS.replace("fitness: {", "fitness: {low: 5, ")
    assert problems(low) == ["r.yaml:1: fitness: low must not be above high, got 5 and 1"]


def test_options_that_do_not_go_together_are_told_of_the_command_line_if_one_is_from_there(problems):
    assert problems(LOSS, "fitness.low=5") == ["--set: fitness: low must not be above high, got 5 and 1"]


def test_a_key_set_to_null_is_left_out(load):
    recipe = load(ONEMAX + "confirm: {top: 5}\nscreens: [{name: surrogate}]\n", "confirm=null", "screens=null")
    assert (recipe.confirm, recipe.screens) == (None, ())


def test_no_final_is_refused_as_it_would_open_the_test_split(problems):
    assert problems(ONEMAX, "final=null") == [
        "--set: final: must not be null, as finished models are made without it too;"
        " final: {test: false} keeps the test split sealed"
    ]


def test_defaults_are_those_of_the_schema(load):
    recipe = load()
    assert (recipe.seed, recipe.repeats, recipe.confirm, recipe.data) == (0, 1, None, None)
    assert (recipe.execution.threads, recipe.execution.device) == (1, "cpu")
    assert (recipe.final.seeds, recipe.final.section) == (1, None)


def test_selection_is_a_tournament_unless_said(load):
    assert load().selection.name == "tournament"


def test_a_genome_with_its_own_operators_gets_them(load):
    recipe = load("fitness: {name: length}\ngenome: {name: tours}\nsearch: {name: generational}\n")
    assert (recipe.crossover.name, recipe.mutation.name) == ("own", "own")


def test_an_operator_that_the_search_needs_and_the_genome_lacks_is_told_with_what_fits(problems):
    text = ONEMAX.replace("mutation: {name: flip, prob: 0.1}\n", "")
    assert problems(text) == [
        "r.yaml:1: mutation is missing, search 'generational' needs one (those that fit: flip, own)"
    ]


def test_sections_that_the_search_does_not_read_are_errors(problems):
    text = ONEMAX.replace("{name: generational, population: 64}", "{name: random_search}")
    assert problems(text + "screens: [{name: surrogate}]\n") == [
        "r.yaml:4: crossover: search 'random_search' does not read this section (it reads: none); generational does",
        "r.yaml:5: mutation: search 'random_search' does not read this section (it reads: none); generational does",
        "r.yaml:6: screens: search 'random_search' does not read this section (it reads: none); generational does",
    ]


def test_a_search_that_reads_no_operators_needs_none(load):
    recipe = load("fitness: {name: onemax}\ngenome: {name: bits, length: 3}\nsearch: {name: random_search}\n")
    assert (recipe.selection, recipe.crossover, recipe.mutation) == (None, None, None)


WITHIN = "fitness: {name: onemax}\ngenome: {name: bits, length: 3}\nsearch: {name: within}\n"


def test_a_search_reads_what_those_within_it_read(load):
    recipe = load(WITHIN + "mutation: {name: flip}\ncrossover: {name: uniform}", "search.others=[{name: generational}]")
    assert recipe.search.options.others[0].name == "generational"
    assert recipe.selection.name == "tournament"


def test_what_neither_a_search_nor_one_within_it_reads_is_refused(problems):
    assert problems(WITHIN + "mutation: {name: flip}") == [
        "r.yaml:4: mutation: search 'within' does not read this section (it reads: none); generational does"
    ]


def test_what_a_search_within_a_search_needs_is_asked_for(problems):
    text = WITHIN.replace("{name: within}", "{name: within, first: {name: within, others: [{name: generational}]}}")
    assert problems(text) == [
        "r.yaml:1: crossover is missing, search 'within' needs one (those that fit: own, uniform)",
        "r.yaml:1: mutation is missing, search 'within' needs one (those that fit: flip, own)",
    ]


def test_an_unknown_search_within_a_search_says_nothing_about_what_is_read(problems):
    text = WITHIN.replace("{name: within}", "\n  name: within\n  first: {name: random}") + "mutation: {name: flip}"
    assert problems(text) == [
        "r.yaml:5: search.first.name: unknown search 'random'; did you mean 'random_search'? "
        "(available: generational, random_search, within)"
    ]


def test_an_operator_on_other_genes_is_told_with_what_fits(problems):
    text = ONEMAX.replace("{name: flip, prob: 0.1}", "{name: gaussian}")
    assert problems(text) == [
        "r.yaml:5: mutation.name: mutation 'gaussian' works on genes of kind real_vector, genome 'bits' has bits "
        "(those that fit: flip, own)"
    ]


def test_a_surrogate_on_other_genes_is_told_where_it_is_nested(problems):
    text = ONEMAX + "screens:\n  - name: surrogate\n    model: {name: kriging}\n"
    assert problems(text) == [
        "r.yaml:8: screens.0.model.name: surrogate 'kriging' works on genes of kind real_vector, "
        "genome 'bits' has bits (those that fit: ridge)"
    ]


def test_a_genome_that_a_fitness_cannot_measure_is_told_with_what_fits(problems):
    assert problems(ONEMAX.replace("onemax", "length")) == [
        "r.yaml:2: genome.name: genome 'bits' expresses bits, fitness 'length' takes order (genomes that fit: tours)"
    ]


def test_fit_is_checked_although_options_are_wrong(problems):
    lines = problems(ONEMAX.replace("onemax", "length").replace("32", "0"))
    assert [line.split(": ")[1] for line in lines] == ["genome.name", "genome.length"]


def test_what_belongs_to_the_fitness_is_found_under_it(load):
    text = (
        "baselines: [{name: adamw, steps: 5}, {name: random_search}]\nexport: [files]\nfinal: {seeds: 3, polish: 2}\n"
    )
    recipe = load(LOSS + text)
    assert [section.name for section in recipe.baselines] == ["adamw", "random_search"]
    assert [section.name for section in recipe.exports] == ["files"]
    assert (recipe.final.seeds, recipe.final.section.options.polish) == (3, 2)


def test_a_misspelt_key_of_a_final_is_told_with_all_that_there_are(problems):
    assert problems(LOSS + "final: {seed: 3}\n") == [
        "r.yaml:6: final.seed: unknown key; did you mean 'seeds'? (known: polish, seeds, test)"
    ]


def test_a_final_is_there_with_its_defaults_although_not_named(load):
    assert load(LOSS).final.section.options.polish == 0


def test_a_section_knows_where_it_is_and_what_was_given(load):
    section = load().mutation
    assert (section.where, section.given) == ("r.yaml:5", {"prob": 0.1})


def test_a_path_starts_from_the_file_that_names_it(folder, load):
    (folder / "sub").mkdir()
    (folder / "sub/base.yaml").write_text(LOSS.replace("loss", "loss, folder: ./texts"))
    assert load("extends: sub/base.yaml\n").fitness.options.folder == folder / "sub/texts"
    assert load("extends: sub/base.yaml\n", "fitness.folder=here").fitness.options.folder == folder / "here"


def test_local_plugins_are_loaded_after_the_list_is_read(folder):
    Path("r.yaml").write_text(f"plugins: [{PLUGIN}]\n{ONEMAX}")
    assert load_recipe(Path("r.yaml")).fitness.name == "onemax"


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("[gone.py]", r"^r\.yaml:1: plugins\.0: .*gone\.py: no such file$"),
        ("[3]", r"^r\.yaml:1: plugins\.0: must be the path of a Python file, got 3$"),
        ("mine.py", r"^r\.yaml:1: plugins: plugin .*mine\.py: line 1: ZeroDivisionError"),
        ("{a: b}", r"^r\.yaml:1: plugins: must be a Python file or a list of them, got a mapping$"),
        ("[mine.py]", r"^r\.yaml:1: plugins: plugin .*mine\.py: line 1: ZeroDivisionError"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_told_with_its_line(folder, listed, message):
    Path("mine.py").write_text("1 / 0\n")
    Path("r.yaml").write_text(f"plugins: {listed}\nseed: x\n")
    with pytest.raises(RecipeError, match=message):
        load_recipe(Path("r.yaml"))


def test_a_path_in_a_message_is_as_it_was_typed(folder):
    (folder / "sub").mkdir()
    Path("sub/r.yaml").write_text("seed: x\n")
    with pytest.raises(RecipeError, match=r"^sub/r\.yaml:1: "):
        load_recipe(Path("sub/r.yaml"))
    with pytest.raises(RecipeError, match=rf"^{folder}/sub/r\.yaml:1: "):
        load_recipe(folder / "sub/r.yaml")


FULL = LOSS + "screens: [{name: surrogate, model: {name: ridge}}]\nbaselines: [{name: adamw}]\nstop: {work: 5}\n"
edits = st.lists(
    st.tuples(
        st.integers(0, len(FULL)),
        st.integers(0, 12),
        st.text("{}[]:,#&*!|>'\"%@-?~ \n\tabns019.e_", max_size=6) | st.text(max_size=3),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=edits)
def test_whatever_is_written_loads_or_is_a_users_error(folder, registry, edits):
    text = FULL
    for start, length, inserted in edits:
        text = text[:start] + inserted + text[start + length :]
    Path("r.yaml").write_text(text, errors="surrogatepass")
    with contextlib.suppress(UserError):
        load_recipe(Path("r.yaml"), (), registry)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.from_regex(r"(search|screens|screens\.0|stop|x)(\.[a-z0-9]*)?=?.{0,8}", fullmatch=True), max_size=3))
def test_whatever_is_set_loads_or_is_a_users_error(load, overrides):
    with contextlib.suppress(UserError):
        load(FULL, *overrides)


@pytest.mark.parametrize(
    ("key", "value", "what"), [("timeout_s", "2.5", "stop an evaluation"), ("memory_mb", "900", "limit its memory")]
)
def test_inline_says_what_to_write_for_a_limit(problems, key, value, what):
    text = ONEMAX + f"execution: {{backend: inline, {key}: {value}}}\n"
    (line,) = problems(text)
    assert line.split(": ", 1)[1] == (
        f"execution.{key}: backend inline cannot {what}; write execution: {{backend: processes, {key}: {value}}}"
    )
