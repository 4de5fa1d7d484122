"""Recipes with random mistakes, through the loader and ``evokit run``: errors or a run, and nothing between."""

import contextlib
import json
import shutil

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from evokit.cli import main
from evokit.errors import UserError
from evokit.recipe import load_recipe
from evokit.recipe.source import read_source
from evokit.recipe.yaml_source import dump_yaml, parse_yaml
from evokit.runs.run import Run
from tests.faults.harness import RECIPE, ROOT, TOY

OURS = sorted((ROOT / "recipes").rglob("*.yaml"))
CHEAP = ("onemax.yaml", "sphere.yaml")  # what they name is built in no time, whatever the numbers are
SPELLED = (
    "name seed search genome fitness init from top stop work execution backend workers screens race bits own ridge"
    " rungs length elites prob ../up /dev/null .. null 5e-4 0x10 .inf no {} [] '' é ${x} !!python/object:os.system"
)
WORDS = st.sampled_from(SPELLED.split())
NUMBERS = st.integers(-3, 70) | st.floats(-3, 3) | st.sampled_from([2**40, 2**63, 10**30, 1e300, 0.1])
SCALARS = st.none() | st.booleans() | NUMBERS | WORDS | st.text(max_size=5)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3))
HOW = st.sampled_from(["near"] * 6 + ["set", "drop", "rename", "copy"])
FACTORS = (0, -1, 0.5, 2, 3, 2**36)  # of a number that becomes another
WHERE = st.integers(0, 10_000)
EDITS = st.lists(st.tuples(HOW, WHERE, VALUES, WORDS), max_size=3)
TYPO = st.tuples(WHERE, st.integers(0, 9), st.text("{}[]:,#&*!|>'\"%@-? \n\tab0e_.", max_size=4))
TYPOS = st.just([]) | st.just([]) | st.lists(TYPO, max_size=2)
FUZZ = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], derandomize=True
)


def places(tree, path=()):
    """The path of every value in a tree of JSON values."""
    yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def edited(tree, edits):
    """The tree with values changed, dropped, renamed, or copied to other places."""
    for how, where, value, word in edits:
        found = list(places(tree))[1:]
        if not found:
            return tree
        *above, last = found[where % len(found)]
        holder = at(tree, above)
        if how == "near":
            holder[last] = near(holder[last], FACTORS[where // len(found) % len(FACTORS)])
        elif how == "set":
            holder[last] = value
        elif how == "drop":
            del holder[last]
        elif how == "copy":
            holder[last] = json.loads(json.dumps(at(tree, found[-1])))
        elif isinstance(holder, dict):
            holder[word] = holder.pop(last)
    return tree


def near(value, factor):
    """Another number of the same type, a list turned round, anything else as it is."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return type(value)(value * factor)
    return value[::-1] if isinstance(value, list) else value


def mistyped(text, typos):
    for where, n_cut, inserted in typos:
        start = where % (len(text) + 1)
        text = text[:start] + inserted + text[start + n_cut :]
    return text


def mutants(trees):
    """Recipes near these: edited as trees, then as text."""
    texts = [json.dumps(tree) for tree in trees]
    return st.builds(
        lambda tree, edits, typos: mistyped(dump_yaml(edited(json.loads(tree), edits)), typos),
        st.sampled_from(texts),
        EDITS,
        TYPOS,
    )


def plain(text):
    return parse_yaml(text, "r.yaml", (), []).plain()


RUNNABLE = mutants([plain(RECIPE), *(plain((ROOT / "recipes" / name).read_text()) for name in CHEAP)])
LOADABLE = st.deferred(lambda: mutants([read_source(path).root.plain() for path in OURS]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copy(TOY, folder)
    return folder


@pytest.fixture
def without_phases(monkeypatch):
    """A run does all but its phases: it builds every part, makes its directory, locks it, sums up and closes it."""
    monkeypatch.setattr(Run, "execute", lambda self, only=None: None)


def check_run(folder, text):
    """Either errors and no directory, or a run that ends; the exit code."""
    recipe, out = folder / "r.yaml", folder / "run"
    recipe.write_text(text, errors="surrogatepass")
    shutil.rmtree(out, ignore_errors=True)
    answer = CliRunner().invoke(main, ["run", str(recipe), "--out", str(out)])
    assert answer.exception is None or isinstance(answer.exception, SystemExit), repr(answer.exception)
    assert answer.exit_code in (0, 2), answer.output
    assert "Traceback" not in answer.output
    if answer.exit_code == 2:
        assert answer.stderr.strip()
        assert not out.exists()
    else:
        assert json.loads((out / "summary.json").read_text())["status"] == "done"
    return answer.exit_code


def check_load(folder, text):
    (folder / "l.yaml").write_text(text, errors="surrogatepass")
    with contextlib.suppress(UserError):
        load_recipe(folder / "l.yaml")


@pytest.mark.usefixtures("without_phases")
@settings(FUZZ, max_examples=30)
@given(text=RUNNABLE)
def test_a_mutated_recipe_runs_or_is_refused_without_a_directory(folder, text):
    check_run(folder, text)


@settings(FUZZ, max_examples=25)
@given(text=LOADABLE)
def test_a_mutant_of_each_of_our_recipes_loads_or_is_refused(folder, text):
    check_load(folder, text)


@pytest.mark.parametrize("length", [2**40, 2**70])
def test_a_genome_larger_than_memory_is_refused_without_a_directory(folder, length):
    assert check_run(folder, RECIPE.replace("length: 2", f"length: {length}")) == 2


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("without_phases")
@settings(FUZZ, max_examples=700)
@given(text=RUNNABLE)
def test_many_mutated_recipes_run_or_are_refused_without_a_directory(folder, text):
    event(f"exit code {check_run(folder, text)}")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@settings(FUZZ, max_examples=300)
@given(text=LOADABLE)
def test_many_mutants_of_each_of_our_recipes_load_or_are_refused(folder, text):
    check_load(folder, text)
