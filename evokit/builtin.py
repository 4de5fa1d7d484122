"""The core's own components, through the same door as anyone's."""

from __future__ import annotations

from evokit.crossover.one_point import OnePoint
from evokit.crossover.own import OwnCrossover
from evokit.crossover.two_point import TwoPoint
from evokit.crossover.uniform import Uniform
from evokit.data.huggingface import HuggingFace
from evokit.data.images import Images
from evokit.data.labelled_text import LabelledText
from evokit.data.prose import Prose
from evokit.data.prose_periods import ProsePeriods
from evokit.data.text_files import TextFiles
from evokit.fitnesses.onemax import Onemax
from evokit.fitnesses.sphere import Sphere
from evokit.fitnesses.zdt1 import ZDT1
from evokit.genomes.bits import BitsOptions
from evokit.genomes.index_vector import IndexVectorOptions
from evokit.genomes.points import PointsOptions
from evokit.genomes.real_vector import RealVectorOptions
from evokit.hookspecs import hookimpl
from evokit.interfaces import Component
from evokit.mutation.bit_flip import BitFlip
from evokit.mutation.gaussian import Gaussian
from evokit.mutation.own import OwnMutation
from evokit.mutation.reset import Reset
from evokit.screens.race import Race
from evokit.screens.surrogate import SurrogateScreen
from evokit.searches.coordinate_descent import CoordinateDescent
from evokit.searches.generational import Generational
from evokit.searches.grid import GridSearch
from evokit.searches.nsga2 import NSGA2
from evokit.searches.random_search import RandomSearch
from evokit.searches.same_search import SameSearch
from evokit.selection.best import Best
from evokit.selection.tournament import Tournament
from evokit.surrogates.embedding_mlp import EmbeddingMLP
from evokit.surrogates.random_forest import RandomForest
from evokit.surrogates.ridge import Ridge

NEURAL = "neural"  # the extra with torch, tokenizers and data sets


@hookimpl
def evokit_components() -> list[Component]:
    return [
        Component("data", "prose", Prose, extra=NEURAL),
        Component("data", "huggingface", HuggingFace, extra=NEURAL),
        Component("data", "images", Images, extra=NEURAL),
        Component("data", "labelled_text", LabelledText, extra=NEURAL),
        Component("data", "prose_periods", ProsePeriods, extra=NEURAL),
        Component("data", "text_files", TextFiles, extra=NEURAL),
        Component("genome", "bits", BitsOptions),
        Component("genome", "index_vector", IndexVectorOptions),
        Component("genome", "points", PointsOptions),
        Component("genome", "real_vector", RealVectorOptions),
        Component("fitness", "onemax", Onemax),
        Component("fitness", "sphere", Sphere),
        Component("fitness", "zdt1", ZDT1),
        Component("selection", "tournament", Tournament),
        Component("selection", "best", Best),
        Component("crossover", "one_point", OnePoint),
        Component("crossover", "two_point", TwoPoint),
        Component("crossover", "uniform", Uniform),
        Component("crossover", "own", OwnCrossover),
        Component("mutation", "reset", Reset),
        Component("mutation", "gaussian", Gaussian),
        Component("mutation", "bit_flip", BitFlip),
        Component("mutation", "own", OwnMutation),
        Component("screen", "surrogate", SurrogateScreen),
        Component("screen", "race", Race),
        Component("surrogate", "embedding_mlp", EmbeddingMLP, extra=NEURAL),
        Component("surrogate", "random_forest", RandomForest),
        Component("surrogate", "ridge", Ridge),
        Component("search", "generational", Generational),
        Component("search", "grid", GridSearch),
        Component("search", "nsga2", NSGA2),
        Component("search", "random_search", RandomSearch),
        Component("search", "coordinate_descent", CoordinateDescent),
        Component("baseline", "random_search", RandomSearch),
        Component("baseline", "coordinate_descent", CoordinateDescent),
        Component("baseline", "same_search", SameSearch),
    ]
