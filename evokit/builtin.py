"""The core's own components, through the same door as anyone's."""

from __future__ import annotations

from evokit.hookspecs import hookimpl
from evokit.interfaces import Component

NEURAL = "neural"  # the extra with torch, tokenizers and data sets


@hookimpl
def evokit_components() -> list[Component]:
    return [
        Component("data", "prose", "evokit.data.prose:Prose", extra=NEURAL),
        Component("data", "huggingface", "evokit.data.huggingface:HuggingFace", extra=NEURAL),
        Component("data", "images", "evokit.data.images:Images", extra=NEURAL),
        Component("data", "labelled_text", "evokit.data.labelled_text:LabelledText", extra=NEURAL),
        Component("data", "prose_periods", "evokit.data.prose_periods:ProsePeriods", extra=NEURAL),
        Component("data", "text_files", "evokit.data.text_files:TextFiles", extra=NEURAL),
        Component("genome", "bits", "evokit.genomes.bits:BitsOptions"),
        Component("genome", "index_vector", "evokit.genomes.index_vector:IndexVectorOptions"),
        Component("genome", "permutation", "evokit.genomes.permutation:PermutationOptions"),
        Component("genome", "points", "evokit.genomes.points:PointsOptions"),
        Component("genome", "real_vector", "evokit.genomes.real_vector:RealVectorOptions"),
        Component("fitness", "onemax", "evokit.fitnesses.onemax:Onemax"),
        Component("fitness", "sphere", "evokit.fitnesses.sphere:Sphere"),
        Component("fitness", "zdt1", "evokit.fitnesses.zdt1:ZDT1"),
        Component("selection", "tournament", "evokit.selection.tournament:Tournament"),
        Component("selection", "best", "evokit.selection.best:Best"),
        Component("selection", "deap", "evokit.selection.deap:DeapSelection"),
        Component("selection", "lexicase", "evokit.selection.lexicase:Lexicase"),
        Component("selection", "random", "evokit.selection.random:Random"),
        Component("selection", "roulette", "evokit.selection.roulette:Roulette"),
        Component("selection", "stochastic_universal", "evokit.selection.stochastic_universal:StochasticUniversal"),
        Component("crossover", "one_point", "evokit.crossover.one_point:OnePoint"),
        Component("crossover", "two_point", "evokit.crossover.two_point:TwoPoint"),
        Component("crossover", "uniform", "evokit.crossover.uniform:Uniform"),
        Component("crossover", "simulated_binary", "evokit.crossover.simulated_binary:SimulatedBinary"),
        Component("crossover", "arithmetic", "evokit.crossover.arithmetic:Arithmetic"),
        Component("crossover", "blx_alpha", "evokit.crossover.blx_alpha:BLXAlpha"),
        Component("crossover", "deap", "evokit.crossover.deap:DeapCrossover"),
        Component("crossover", "edge", "evokit.crossover.edge:Edge"),
        Component("crossover", "n_point", "evokit.crossover.n_point:NPoint"),
        Component("crossover", "order", "evokit.crossover.order:Order"),
        Component("crossover", "pmx", "evokit.crossover.pmx:PMX"),
        Component("crossover", "own", "evokit.crossover.own:OwnCrossover"),
        Component("mutation", "reset", "evokit.mutation.reset:Reset"),
        Component("mutation", "gaussian", "evokit.mutation.gaussian:Gaussian"),
        Component("mutation", "polynomial", "evokit.mutation.polynomial:Polynomial"),
        Component("mutation", "bit_flip", "evokit.mutation.bit_flip:BitFlip"),
        Component("mutation", "deap", "evokit.mutation.deap:DeapMutation"),
        Component("mutation", "heavy_tailed", "evokit.mutation.heavy_tailed:HeavyTailed"),
        Component("mutation", "insertion", "evokit.mutation.insertion:Insertion"),
        Component("mutation", "inversion", "evokit.mutation.inversion:Inversion"),
        Component("mutation", "scramble", "evokit.mutation.scramble:Scramble"),
        Component("mutation", "swap", "evokit.mutation.swap:Swap"),
        Component("mutation", "own", "evokit.mutation.own:OwnMutation"),
        Component("screen", "surrogate", "evokit.screens.surrogate:SurrogateScreen"),
        Component("screen", "race", "evokit.screens.race:Race"),
        Component("surrogate", "embedding_mlp", "evokit.surrogates.embedding_mlp:EmbeddingMLP", extra=NEURAL),
        Component("surrogate", "random_forest", "evokit.surrogates.random_forest:RandomForest"),
        Component("surrogate", "ridge", "evokit.surrogates.ridge:Ridge"),
        Component("search", "cma", "evokit.searches.cma:CMA"),
        Component("search", "de", "evokit.searches.de:DE"),
        Component("search", "generational", "evokit.searches.generational:Generational"),
        Component("search", "grid", "evokit.searches.grid:GridSearch"),
        Component("search", "nsga2", "evokit.searches.nsga2:NSGA2"),
        Component("search", "random_search", "evokit.searches.random_search:RandomSearch"),
        Component("search", "coordinate_descent", "evokit.searches.coordinate_descent:CoordinateDescent"),
        Component("baseline", "random_search", "evokit.searches.random_search:RandomSearch"),
        Component("baseline", "coordinate_descent", "evokit.searches.coordinate_descent:CoordinateDescent"),
        Component("baseline", "same_search", "evokit.searches.same_search:SameSearch"),
    ]
