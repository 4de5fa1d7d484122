"""Scripts as DEAP's documentation has them, each a function that gives its toolbox."""

import array
import math
import operator
import random

import numpy
from deap import algorithms, base, benchmarks, creator, gp, tools

CITIES = numpy.random.default_rng(0).random((9, 2))


def onemax():
    creator.create("FitnessMax", base.Fitness, weights=(1.0,))
    creator.create("Individual", list, fitness=creator.FitnessMax)

    toolbox = base.Toolbox()
    toolbox.register("attr_bool", random.randint, 0, 1)
    toolbox.register("individual", tools.initRepeat, creator.Individual, toolbox.attr_bool, 40)
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)

    def evalOneMax(individual):  # noqa: N802
        return (sum(individual),)

    toolbox.register("evaluate", evalOneMax)
    toolbox.register("mate", tools.cxTwoPoint)
    toolbox.register("mutate", tools.mutFlipBit, indpb=0.05)
    toolbox.register("select", tools.selTournament, tournsize=3)
    return toolbox


def knapsack():
    IND_INIT_SIZE, MAX_ITEM, MAX_WEIGHT, NBR_ITEMS = 5, 50, 50, 20
    random.seed(64)
    items = {i: (random.randint(1, 10), random.uniform(0, 100)) for i in range(NBR_ITEMS)}

    creator.create("Fitness", base.Fitness, weights=(-1.0, 1.0))
    creator.create("Individual", set, fitness=creator.Fitness)

    toolbox = base.Toolbox()
    toolbox.register("attr_item", random.randrange, NBR_ITEMS)
    toolbox.register("individual", tools.initRepeat, creator.Individual, toolbox.attr_item, IND_INIT_SIZE)
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)

    def evalKnapsack(individual):  # noqa: N802
        weight = 0.0
        value = 0.0
        for item in individual:
            weight += items[item][0]
            value += items[item][1]
        if len(individual) > MAX_ITEM or weight > MAX_WEIGHT:
            return 10000, 0
        return weight, value

    def cxSet(ind1, ind2):  # noqa: N802
        temp = set(ind1)
        ind1 &= ind2
        ind2 ^= temp
        return ind1, ind2

    def mutSet(individual):  # noqa: N802
        if random.random() < 0.5:
            if len(individual) > 0:
                individual.remove(random.choice(sorted(individual)))
        else:
            individual.add(random.randrange(NBR_ITEMS))
        return (individual,)

    toolbox.register("evaluate", evalKnapsack)
    toolbox.register("mate", cxSet)
    toolbox.register("mutate", mutSet)
    toolbox.register("select", tools.selNSGA2)
    return toolbox


def tour():
    creator.create("FitnessMin", base.Fitness, weights=(-1.0,))
    creator.create("Individual", array.array, typecode="i", fitness=creator.FitnessMin)

    toolbox = base.Toolbox()
    toolbox.register("indices", random.sample, range(len(CITIES)), len(CITIES))
    toolbox.register("individual", tools.initIterate, creator.Individual, toolbox.indices)
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)

    def evalTSP(individual):  # noqa: N802
        distance = math.dist(CITIES[individual[-1]], CITIES[individual[0]])
        for gene1, gene2 in zip(individual[0:-1], individual[1:]):  # noqa: B905, RUF007 - as it stands
            distance += math.dist(CITIES[gene1], CITIES[gene2])
        return (distance,)

    toolbox.register("mate", tools.cxPartialyMatched)
    toolbox.register("mutate", tools.mutShuffleIndexes, indpb=0.05)
    toolbox.register("select", tools.selTournament, tournsize=3)
    toolbox.register("evaluate", evalTSP)
    return toolbox


def protected_div(left, right):
    try:
        return left / right
    except ZeroDivisionError:
        return 1


def one_of_three():
    return random.randint(-1, 1)


def symbolic_regression():
    pset = gp.PrimitiveSet("MAIN", 1)
    pset.addPrimitive(operator.add, 2)
    pset.addPrimitive(operator.sub, 2)
    pset.addPrimitive(operator.mul, 2)
    pset.addPrimitive(protected_div, 2)
    pset.addPrimitive(operator.neg, 1)
    pset.addPrimitive(math.cos, 1)
    pset.addPrimitive(math.sin, 1)
    pset.addEphemeralConstant("rand101", one_of_three)
    pset.renameArguments(ARG0="x")

    creator.create("FitnessMin", base.Fitness, weights=(-1.0,))
    creator.create("Individual", gp.PrimitiveTree, fitness=creator.FitnessMin)

    toolbox = base.Toolbox()
    toolbox.register("expr", gp.genHalfAndHalf, pset=pset, min_=1, max_=2)
    toolbox.register("individual", tools.initIterate, creator.Individual, toolbox.expr)
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    toolbox.register("compile", gp.compile, pset=pset)

    def evalSymbReg(individual, points):  # noqa: N802
        func = toolbox.compile(expr=individual)
        sqerrors = ((func(x) - x**4 - x**3 - x**2 - x) ** 2 for x in points)
        return (math.fsum(sqerrors) / len(points),)

    toolbox.register("evaluate", evalSymbReg, points=[x / 10.0 for x in range(-10, 10)])
    toolbox.register("select", tools.selTournament, tournsize=3)
    toolbox.register("mate", gp.cxOnePoint)
    toolbox.register("expr_mut", gp.genFull, min_=0, max_=2)
    toolbox.register("mutate", gp.mutUniform, expr=toolbox.expr_mut, pset=pset)
    toolbox.decorate("mate", gp.staticLimit(key=operator.attrgetter("height"), max_value=17))
    toolbox.decorate("mutate", gp.staticLimit(key=operator.attrgetter("height"), max_value=17))
    return toolbox


def kursawe():
    creator.create("FitnessMin", base.Fitness, weights=(-1.0, -1.0))
    creator.create("Individual", array.array, typecode="d", fitness=creator.FitnessMin)

    def checkBounds(low, high):  # noqa: N802
        def decorator(func):
            def wrapper(*args, **kargs):
                offspring = func(*args, **kargs)
                for child in offspring:
                    for i in range(len(child)):
                        child[i] = min(max(child[i], low), high)
                return offspring

            return wrapper

        return decorator

    toolbox = base.Toolbox()
    toolbox.register("attr_float", random.uniform, -5, 5)
    toolbox.register("individual", tools.initRepeat, creator.Individual, toolbox.attr_float, 3)
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    toolbox.register("evaluate", benchmarks.kursawe)
    toolbox.register("mate", tools.cxBlend, alpha=1.5)
    toolbox.register("mutate", tools.mutGaussian, mu=0, sigma=3, indpb=0.3)
    toolbox.register("select", tools.selNSGA2)
    toolbox.decorate("mate", checkBounds(-5, 5))
    toolbox.decorate("mutate", checkBounds(-5, 5))
    return toolbox


def strategy():
    IND_SIZE, MIN_VALUE, MAX_VALUE, MIN_STRATEGY, MAX_STRATEGY = 5, -3, 3, 0.1, 1
    creator.create("FitnessMin", base.Fitness, weights=(-1.0,))
    creator.create("Individual", array.array, typecode="d", fitness=creator.FitnessMin, strategy=None)
    creator.create("Strategy", array.array, typecode="d")

    def generateES(icls, scls, size, imin, imax, smin, smax):  # noqa: N802
        ind = icls(random.uniform(imin, imax) for _ in range(size))
        ind.strategy = scls(random.uniform(smin, smax) for _ in range(size))
        return ind

    def checkStrategy(minstrategy):  # noqa: N802
        def decorator(func):
            def wrapper(*args, **kargs):
                children = func(*args, **kargs)
                for child in children:
                    for i, s in enumerate(child.strategy):
                        if s < minstrategy:
                            child.strategy[i] = minstrategy
                return children

            return wrapper

        return decorator

    toolbox = base.Toolbox()
    toolbox.register(
        "individual", generateES, creator.Individual, creator.Strategy,
        IND_SIZE, MIN_VALUE, MAX_VALUE, MIN_STRATEGY, MAX_STRATEGY,
    )  # fmt: skip
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    toolbox.register("mate", tools.cxESBlend, alpha=0.1)
    toolbox.register("mutate", tools.mutESLogNormal, c=1.0, indpb=0.03)
    toolbox.register("select", tools.selTournament, tournsize=3)
    toolbox.register("evaluate", benchmarks.sphere)
    toolbox.decorate("mate", checkStrategy(MIN_STRATEGY))
    toolbox.decorate("mutate", checkStrategy(MIN_STRATEGY))
    return toolbox


def numpy_onemax():
    creator.create("FitnessMax", base.Fitness, weights=(1.0,))
    creator.create("Individual", numpy.ndarray, fitness=creator.FitnessMax)

    def cxTwoPointCopy(ind1, ind2):  # noqa: N802
        cxpoint1, cxpoint2 = sorted(random.sample(range(1, len(ind1)), 2))
        ind1[cxpoint1:cxpoint2], ind2[cxpoint1:cxpoint2] = (
            ind2[cxpoint1:cxpoint2].copy(),
            ind1[cxpoint1:cxpoint2].copy(),
        )
        return ind1, ind2

    toolbox = base.Toolbox()
    toolbox.register("attr_bool", numpy.random.randint, 0, 2)
    toolbox.register("individual", tools.initRepeat, creator.Individual, toolbox.attr_bool, n=30)
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    toolbox.register("evaluate", lambda individual: (int(sum(individual)),))
    toolbox.register("mate", cxTwoPointCopy)
    toolbox.register("mutate", tools.mutFlipBit, indpb=0.05)
    toolbox.register("select", tools.selTournament, tournsize=3)
    return toolbox


SCRIPTS = {one.__name__: one for one in (onemax, knapsack, tour, symbolic_regression, kursawe, strategy, numpy_onemax)}


def as_deap_runs_it(toolbox, population, generations, cxpb, mutpb, seed):
    """The best value of ``algorithms.eaSimple``."""
    random.seed(seed)
    best = tools.HallOfFame(1, similar=lambda a, b: list(a) == list(b))
    pop = toolbox.population(n=population)
    algorithms.eaSimple(pop, toolbox, cxpb, mutpb, generations, halloffame=best, verbose=False)
    return best[0].fitness.values[0]
