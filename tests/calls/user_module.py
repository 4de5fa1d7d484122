"""A module of a user's, whose functions can be imported."""

import evokit


def square(x):
    return float((x**2).sum())


@evokit.fitness(minimize="loss", takes={"lr": evokit.Float(1e-5, 1, log=True), "layers": evokit.Int(1, 8)})
def train(params, budget):
    return abs(params["layers"] - 3) + params.pop("lr")
