import json

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from evokit.data.rows import Rows
from evokit.fitnesses.row_models import FinalFormula, Polynomial
from evokit.genomes.individuals import make_individual
from tests.fitnesses.test_symbolic_regression import GENOME, TRAIN, VALIDATION, built, context


def test_the_final_is_a_file_with_formula_offset_and_scale(tmp_path):
    final = FinalFormula().build(context(fitness=built(), genome=GENOME))
    best = make_individual(GENOME, ("mul", "x", -0.5), (-1.0,))
    (setting,) = final.settings(best)
    fitted = final.fit(setting, 0, 1, tmp_path)
    model = json.loads((tmp_path / "model.json").read_text())
    assert model["formula"] == "x * (-0.5)"
    assert (model["offset"], model["scale"]) == pytest.approx((1, -6))
    scores = final.score(tmp_path / "model.json", VALIDATION)
    assert scores == pytest.approx([0.25 / TRAIN.y.var()] * 2)
    assert fitted.values == pytest.approx((scores.mean(),))


def test_the_baseline_is_a_polynomial_of_the_degree_that_is_best_on_validation(tmp_path, rng):
    x = rng.normal(size=(30, 2))
    rows = Rows(x, x[:, 0] * x[:, 1] - 2 * x[:, 1] + 3, ("a", "b"))
    baseline = Polynomial((1, 2)).build(context(rows, rows, fitness=built()))
    values = [baseline.fit(setting, 0, 1, tmp_path).values[0] for setting in baseline.settings(None)]
    linear = LinearRegression().fit(rows.x, rows.y).predict(rows.x)
    assert values == pytest.approx([np.square(linear - rows.y).mean() / rows.y.var(), 0], abs=1e-12)
