"""Each rule of the kit has a broken genome that it must catch."""

import random
import sys
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch

from evokit.genomes.bits import BitsOptions
from evokit.genomes.index_vector import IndexVectorOptions
from evokit.genomes.real_vector import RealVectorOptions
from evokit.testing import RULES, genome_conformance

test_index_vector = genome_conformance(IndexVectorOptions(sizes=(1, 2, 7)))
test_real_vector = genome_conformance(RealVectorOptions(length=4))
test_bits = genome_conformance(BitsOptions(length=1))


@dataclass(frozen=True)
class Necklaces:
    """Four beads on a ring: a sound genome of its own kind, with every optional method."""

    phenotype: ClassVar[str] = "beads"

    def random(self, rng):
        return tuple(rng.integers(3, size=4).tolist())

    def crossover(self, a, b, rng):
        cut = int(rng.integers(1, 4))
        return a[:cut] + b[cut:], b[:cut] + a[cut:]

    def mutate(self, genes, rng):
        return (*genes[1:], int(rng.integers(3)))

    def canonical(self, genes):
        return min(genes[i:] + genes[:i] for i in range(4))

    def express(self, genes):
        return list(genes)

    def to_json(self, genes):
        return list(genes)

    def from_json(self, data):
        if not all(bead in range(3) for bead in data):
            raise ValueError(f"beads must be in 0..2, got {data}")
        return tuple(data)

    def encode(self, genes):
        return np.array(genes, np.float32)

    def seeds(self):
        return [(0, 0, 0, 0)]

    def show(self, genes):
        return "-".join(map(str, genes))


test_necklaces = genome_conformance(Necklaces())


class DividesByZero(Necklaces):
    def mutate(self, genes, rng):
        return genes[0] / 0


class LeavesTheProcess(Necklaces):
    def express(self, genes):
        sys.exit(3)


class ForgetsToReturn(Necklaces):
    def mutate(self, genes, rng):
        (*genes[1:], 0)


class DrawsAllFromNumpy(Necklaces):
    def mutate(self, genes, rng):
        return (*genes[1:], np.random.randint(3))  # noqa: NPY002


class HasNoChildren(Necklaces):
    def crossover(self, a, b, rng):
        return "ab"


class WritesInfinity(Necklaces):
    def to_json(self, genes):
        return [*genes, float("inf")]


class CannotBeRead(Necklaces):
    def from_json(self, data):
        raise ValueError("as planned")


class CannotBeEncoded(Necklaces):
    def encode(self, genes):
        raise ValueError("as planned")


class DrawsFromRandom(Necklaces):
    def random(self, rng):
        random.random()
        return super().random(rng)


class DrawsFromNumpy(Necklaces):
    def mutate(self, genes, rng):
        np.random.random()  # noqa: NPY002
        return super().mutate(genes, rng)


class DrawsFromTorch(Necklaces):
    def crossover(self, a, b, rng):
        torch.rand(1)
        return super().crossover(a, b, rng)


class BringsItsOwnLuck(Necklaces):
    def random(self, rng):
        return super().random(np.random.default_rng())


class RemembersCalls(Necklaces):
    calls: ClassVar[list[int]] = []

    def mutate(self, genes, rng):
        self.calls.append(1)
        return (*genes[1:], len(self.calls) % 3)


class WritesToLists(Necklaces):
    def random(self, rng):
        return rng.integers(3, size=4).tolist()

    def mutate(self, genes, rng):
        genes[0] = (genes[0] + 1) % 3
        return genes

    def canonical(self, genes):
        return genes

    def from_json(self, data):
        return data


class WritesToArrays(Necklaces):
    def random(self, rng):
        return rng.integers(3, size=4)

    def crossover(self, a, b, rng):
        a[:2] = b[:2]
        return a, b

    def canonical(self, genes):
        return genes

    def to_json(self, genes):
        return genes.tolist()

    def from_json(self, data):
        return np.array(data)


class TurnsAgain(Necklaces):
    def canonical(self, genes):
        return genes[1:] + genes[:1]


class WritesNumpyNumbers(Necklaces):
    def to_json(self, genes):
        return [np.int64(bead) for bead in genes]


class ReadsAnotherForm(Necklaces):
    def from_json(self, data):
        return tuple(reversed(data))


class MutatesOutOfRange(Necklaces):
    def mutate(self, genes, rng):
        return (*genes[1:], 3)


class HasOneChild(Necklaces):
    def crossover(self, a, b, rng):
        return (a,)


class ExpressesNothing(Necklaces):
    def express(self, genes):
        return None


class DeclaresNoPhenotype(Necklaces):
    phenotype: ClassVar[str] = ""


class EncodesInDoublePrecision(Necklaces):
    def encode(self, genes):
        return np.array(genes, np.float64)


class EncodesInManyShapes(Necklaces):
    def encode(self, genes):
        return np.zeros(genes[-1], np.float32)


class EncodesInfinity(Necklaces):
    def encode(self, genes):
        return np.full(4, np.inf, np.float32)


class SeedsWhatIsNoGenome(Necklaces):
    def seeds(self):
        return [(9, 9, 9, 9)]


class ShowsNumbers(Necklaces):
    def show(self, genes):
        return sum(genes)


@pytest.mark.parametrize(
    ("broken", "rule", "evidence"),
    [
        (DividesByZero, "every method answers", "mutate raised ZeroDivisionError: division by zero"),
        (LeavesTheProcess, "every method answers", "express raised SystemExit: 3"),
        (ForgetsToReturn, "every method answers", "mutate returned nothing"),
        (DrawsAllFromNumpy, "no global generator is touched", "mutate used the global generator of numpy.random"),
        (HasNoChildren, "children are genes", "crossover returned str genes instead of two"),
        (WritesInfinity, "genes survive JSON", "to_json returned what JSON cannot hold"),
        (CannotBeRead, "genes survive JSON", "from_json raised ValueError: as planned"),
        (CannotBeEncoded, "encodings agree", "encode raised ValueError: as planned"),
        (DrawsFromRandom, "no global generator is touched", "random used the global generator of random"),
        (DrawsFromNumpy, "no global generator is touched", "mutate used the global generator of numpy.random"),
        (DrawsFromTorch, "no global generator is touched", "crossover used the global generator of torch"),
        (BringsItsOwnLuck, "same stream, same genes", "random made different genes"),
        (RemembersCalls, "same stream, same genes", "mutate made different genes"),
        (WritesToLists, "parents stay unchanged", "mutate changed the genes"),
        (WritesToArrays, "parents stay unchanged", "read-only"),
        (TurnsAgain, "canonical has one answer", "canonical changes what is"),
        (WritesNumpyNumbers, "genes survive JSON", "not JSON serializable"),
        (ReadsAnotherForm, "genes survive JSON", "has another key"),
        (MutatesOutOfRange, "children are genes", "beads must be in 0..2"),
        (HasOneChild, "children are genes", "returned 1 genes instead of two"),
        (ExpressesNothing, "every individual can be expressed", "express returned None"),
        (DeclaresNoPhenotype, "every individual can be expressed", "phenotype is '' of the genome"),
        (EncodesInDoublePrecision, "encodings agree", "float64"),
        (EncodesInManyShapes, "encodings agree", "float32 (0,), float32 (1,)"),
        (EncodesInfinity, "encodings agree", "not finite"),
        (SeedsWhatIsNoGenome, "extras fit", "beads must be in 0..2"),
        (ShowsNumbers, "extras fit", "show returned int"),
    ],
)
def test_a_broken_genome_is_caught_with_rule_evidence_and_remedy(broken, rule, evidence):
    with pytest.raises(AssertionError) as caught:
        genome_conformance(broken())()
    remedy = next(one.remedy for one in RULES if one.name == rule)
    head, found, where, what = str(caught.value).splitlines()
    assert head == f"{broken.__name__} breaks a rule"
    assert found.startswith(f"{rule}: ")
    assert evidence in found
    assert where.startswith(f"  where: {broken.__name__}.")
    assert what == f"  remedy: {remedy}"


def test_every_rule_has_a_genome_that_breaks_it():
    marks = test_a_broken_genome_is_caught_with_rule_evidence_and_remedy.pytestmark
    assert {rule for _, rule, _ in marks[0].args[1]} == {rule.name for rule in RULES}


def test_the_place_of_the_method_to_blame_is_told():
    line = BringsItsOwnLuck.random.__code__.co_firstlineno
    with pytest.raises(AssertionError, match=rf"  where: BringsItsOwnLuck\.random \(.*test_genome\.py:{line}\)\n"):
        genome_conformance(BringsItsOwnLuck())()


def test_what_a_method_raises_is_told_with_its_line():
    line = DividesByZero.mutate.__code__.co_firstlineno
    message = rf"answers: mutate raised ZeroDivisionError: division by zero \(.*test_genome\.py:{line + 1}\)\n"
    with pytest.raises(AssertionError, match=message):
        genome_conformance(DividesByZero())()


@pytest.mark.parametrize("name", ["random", "crossover", "mutate", "express", "to_json", "from_json"])
def test_a_missing_method_is_one_sentence(name):
    class Partial:
        phenotype = "beads"

    for method in {"random", "crossover", "mutate", "express", "to_json", "from_json"} - {name}:
        setattr(Partial, method, getattr(Necklaces, method))
    with pytest.raises(AssertionError, match=rf"^Partial \(.*test_genome\.py:\d+\) has no {name}, which"):
        genome_conformance(Partial())()


def test_a_build_that_returns_nothing_is_one_sentence():
    @dataclass(frozen=True)
    class Forgetful:
        phenotype: ClassVar[str] = "beads"

        def build(self, context):
            Necklaces()

    with pytest.raises(AssertionError, match=r"^Forgetful\.build \(.*:\d+\) returned nothing; return the genome$"):
        genome_conformance(Forgetful())()


def test_build_is_given_the_slots():
    @dataclass(frozen=True)
    class Layers:
        phenotype: ClassVar[str] = "bits"

        def build(self, context):
            return BitsOptions(length=len(context.fitness.slots)).build(context)

    genome_conformance(Layers(), slots={"h.0": (4, 4), "h.1": (4, 8)})()
    with pytest.raises(ValueError, match="length: must be at least 1, got 0"):
        genome_conformance(Layers())()


def test_options_beside_an_instance_are_an_error():
    with pytest.raises(TypeError, match="options belong to a genome's name"):
        genome_conformance(BitsOptions(length=3), length=4)()


def test_a_name_is_found_through_the_plugins(monkeypatch):
    from evokit.components.registry import Offer, Registry
    from evokit.interfaces import Component

    registry = Registry((Offer(Component("genome", "necklaces", Necklaces), "rings"),))
    monkeypatch.setattr("evokit.testing.genome.load_plugins", lambda: registry)
    genome_conformance("necklaces")()
    with pytest.raises(LookupError, match="unknown genome 'neklaces'"):
        genome_conformance("neklaces")()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"lenght": 3},
            r"bits: length is missing; bits\.lenght: unknown key; did you mean 'length'\? \(known: length\)",
        ),
        ({"length": 0}, r"bits\.length: must be at least 1, got 0"),
        ({"length": "3"}, r"bits\.length: must be an integer, got '3'"),
    ],
)
def test_options_are_checked_as_those_of_a_recipe(options, message):
    with pytest.raises(ValueError, match=message):
        genome_conformance("bits", **options)()


def test_options_may_be_what_python_writes():
    genome_conformance("index_vector", sizes=(2, 3))()
