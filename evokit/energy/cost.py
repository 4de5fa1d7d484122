"""What a block of work took, as it is added up and written down."""

from __future__ import annotations

from dataclasses import dataclass

from evokit.energy.meter import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds and joules of a block, overheads included. What would count as free if it were left out has no default.

    Args:
        wall_s: Seconds by the clock.
        cpu_s: CPU seconds of the process and its descendants.
        energy_j: Joules.
        estimated_j: Those among them that were not read from a counter.
        peak_memory_bytes: Of the process; of a sum the largest.
        beside_s: Those of ``wall_s`` in which something else was measured too, which counts them as its own.
    """

    wall_s: float
    cpu_s: float
    energy_j: float
    estimated_j: float
    peak_memory_bytes: int
    beside_s: float = 0.0

    @classmethod
    def none(cls) -> Cost:
        """Of nothing."""
        return cls(wall_s=0.0, cpu_s=0.0, energy_j=0.0, estimated_j=0.0, peak_memory_bytes=0)

    @classmethod
    def of(cls, reading: Reading, peak_memory_bytes: int = 0) -> Cost:
        """Of the block that a meter measured."""
        return cls(
            wall_s=reading.wall_s,
            cpu_s=reading.cpu_s,
            energy_j=reading.joules,
            estimated_j=reading.estimated_j,
            peak_memory_bytes=peak_memory_bytes,
        )

    @classmethod
    def unmetered(cls, wall_s: float, cpu_s: float, watts_per_core: float) -> Cost:
        """Of a block whose joules nobody measured: all of them an estimate."""
        joules = cpu_s * watts_per_core
        return cls(wall_s=wall_s, cpu_s=cpu_s, energy_j=joules, estimated_j=joules, peak_memory_bytes=0)

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            wall_s=self.wall_s + other.wall_s,
            cpu_s=self.cpu_s + other.cpu_s,
            energy_j=self.energy_j + other.energy_j,
            estimated_j=self.estimated_j + other.estimated_j,
            peak_memory_bytes=max(self.peak_memory_bytes, other.peak_memory_bytes),
            beside_s=self.beside_s + other.beside_s,
        )

    def __mul__(self, share: float) -> Cost:
        """A share of it, whose peak of memory is that of the whole."""
        return Cost(
            wall_s=self.wall_s * share,
            cpu_s=self.cpu_s * share,
            energy_j=self.energy_j * share,
            estimated_j=self.estimated_j * share,
            peak_memory_bytes=self.peak_memory_bytes,
            beside_s=self.beside_s * share,
        )

    @property
    def own_s(self) -> float:
        """Seconds by the clock that nothing else counts, so that those of all phases add up to a run's."""
        return self.wall_s - self.beside_s
