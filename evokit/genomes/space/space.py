"""The genome ``space`` as recipes and Python name it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from evokit.genomes.space.layout import Layout, layout_of, written
from evokit.genomes.space.parameters import SpaceError
from evokit.interfaces import Context

if TYPE_CHECKING:
    from evokit.genomes.space.genome import SpaceGenome


@dataclass(frozen=True)
class Space:
    """Named parameters of any kind: numbers, choices, subsets, orders, lists of them, with conditions; nested.

    Each of ``parameters`` is one of

    | what is written | what it is |
    | --- | --- |
    | ``{float: [1.0e-5, 1], log: true}`` | a real number; or with ``step`` |
    | ``{int: [1, 8]}`` | a whole number, both ends included; with ``log`` or ``step`` |
    | ``{choice: [adam, sgd]}`` | one of several; ``ordered: true`` where neighbours are alike |
    | ``{subset: [a, b, c], at_most: 2}`` | some of several; also ``at_least`` |
    | ``{order: [a, b, c]}`` | all of several in any order |
    | ``{units: {int: [8, 512]}, rate: {float: [0, 1]}}`` | parameters of its own |
    | ``10`` | always the same |

    with ``length: 3`` a list of three of them. ``when: {optimizer: sgd}`` says when it exists: if all that is named has
    that value, one of a list of values, or one as ``{above: 2}`` says (also ``below``, ``at_least``, ``at_most``,
    ``not``; of a subset ``has``: one that it has, or several of which one is enough); of a list of such mappings one is
    enough. Beside the parameters of a group ``when`` is of the whole group.
    ``forbidden`` is a list of such mappings of which none may hold. ``file`` is a ConfigSpace JSON file in their place.

    A fitness gets a dictionary of what exists, of kind ``params``. Operators are the genome's own, by kind.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    forbidden: tuple[Mapping[str, Any], ...] = ()
    file: Path | None = None
    genes: ClassVar[str] = "space"
    phenotype: ClassVar[str] = "params"
    own_operators: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.file is not None:
            if self.parameters or self.forbidden:
                raise SpaceError([(("file",), "holds parameters and what is forbidden; leave these out")])
            parameters, forbidden = _read(self.file)
            # What is in a file takes its place, so that a run's own recipe needs it no more.
            for name, value in (("parameters", parameters), ("forbidden", forbidden), ("file", None)):
                object.__setattr__(self, name, value)
        self.layout()
        object.__setattr__(self, "parameters", written(self.parameters))
        object.__setattr__(self, "forbidden", tuple(dict(one) for one in self.forbidden))

    @classmethod
    def from_configspace(cls, source: Any) -> Space:
        """A space of a ConfigSpace JSON file, of its content, or of a ``ConfigurationSpace``.

        Raises:
            SpaceError: It holds what a space cannot say.
        """
        return cls(*_read(source))

    def to_configspace(self, name: str = "") -> dict[str, Any]:
        """The JSON values of such a file.

        Raises:
            ValueError: The space has what ConfigSpace cannot say.
        """
        from evokit.genomes.space.configspace import to_configspace

        return to_configspace(self.layout(), name)

    def layout(self) -> Layout:
        """Raises ``SpaceError``: what is wrong, with its places."""
        return layout_of(self.parameters, self.forbidden)

    def build(self, context: Context) -> SpaceGenome:
        from evokit.genomes.space.genome import SpaceGenome

        return SpaceGenome(self.layout())


def _read(source: Any) -> tuple[Any, Any]:
    """Parameters and what is forbidden, of what ``Space.from_configspace`` takes."""
    from evokit.genomes.space.configspace import from_configspace

    try:
        return from_configspace(source)
    except ValueError as error:
        raise SpaceError([(("file",), str(error))]) from error


def space_of(space: Mapping[str, Any] | Space) -> Space:
    """The options of the genome ``space`` for parameters by name.

    Raises:
        SpaceError: What is wrong, with its places.
    """
    return space if isinstance(space, Space) else Space(space)
