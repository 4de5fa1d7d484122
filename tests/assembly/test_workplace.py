import pytest

from evokit.assembly.directory import RunDirectory
from evokit.assembly.workplace import Workplace
from evokit.common.keys import digest
from evokit.measuring.evaluate import evaluate_together
from evokit.recipe import load_recipe
from tests.runs.test_contest import RECIPE


@pytest.fixture
def make(tmp_path):
    """A workplace of the toy recipe with overrides."""

    def make(*overrides):
        path = tmp_path / "toy.yaml"
        path.write_text(RECIPE)
        return Workplace(load_recipe(path, overrides), RunDirectory(tmp_path))

    return make


def test_a_job_is_built_once(make):
    workplace = make()
    assert workplace.job("search") is workplace.job("search")
    assert workplace.job("search").fitness is workplace.parts.fitness


def test_the_search_is_measured_on_phenotypes_of_the_genome(make):
    workplace = make()
    job = workplace.job("search")
    genes = workplace.parts.genome.from_json([1.5])
    (one,) = evaluate_together(job.fitness, job.express, [genes], 2)
    assert one.values == (0.25,)


def test_fits_of_contenders_are_jobs(make, tmp_path):
    job = make().job("champion")
    (one,) = job.fitness.evaluate([job.express({"setting": {"genes": [1.5]}, "seed": 0})], 2)
    assert one.values == (0.25,)
    assert (tmp_path / one.artifact).read_text() == "1.5"


def test_a_control_search_has_its_models_made_by_the_final(make):
    workplace = make()
    assert workplace.job("baseline/random_search").fitness.contender is workplace.final
    assert workplace.job("baseline/descent").fitness.contender is workplace.baseline("descent")


def test_two_workplaces_of_one_recipe_agree_on_every_context(make):
    one, other = make(), make()
    names = ["search", "champion", "baseline/descent", "baseline/random_search"]
    assert [one.job(name).fitness.context for name in names] == [other.job(name).fitness.context for name in names]
    assert one.job("champion").fitness.context == digest(["squares", "champion"])


def test_an_unknown_baseline_is_no_job(make):
    with pytest.raises(LookupError, match="no baseline 'adamw'"):
        make().job("baseline/adamw")
