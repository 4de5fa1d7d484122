"""A meter of blocks of work, and how jobs that ran side by side share what it read."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from evokit.energy.counter import Clock, Counter
from evokit.energy.cpu import CpuSeconds

Method = Literal["nvml+rapl", "nvml+estimate", "rapl", "estimate"]
WATTS_PER_CORE = 15.0  # of a busy one, where nobody says better


@dataclass(slots=True)
class Reading:
    """What a block cost; filled when the block ends, whether or not it raised."""

    wall_s: float = 0.0
    cpu_s: float = 0.0  # this process and all its descendants
    joules: float = 0.0
    gpu_joules: float = 0.0
    cpu_joules: float = 0.0
    estimated_j: float = 0.0  # joules that were not read from a counter; all of them where a card's are missing


class Meter:
    """Measures blocks of work; blocks may nest. ``best_meter`` makes the best that the machine allows.

    A worker process makes its own: a meter does not survive a fork while a block is open.

    Args:
        gpus: Counters of the cards that the run uses.
        packages: Counters of all CPU packages; empty means that CPU energy is estimated.
        watts_per_core: Power of one busy core, for the estimate.
        notes: Why something better could not be used, one sentence each. More are added if a counter fails later.
        gpu_missing: The run uses a GPU whose energy cannot be read.
        clock: Seconds; tests bring their own.
    """

    def __init__(
        self,
        gpus: Sequence[Counter] = (),
        packages: Sequence[Counter] = (),
        watts_per_core: float = WATTS_PER_CORE,
        notes: Iterable[str] = (),
        *,
        gpu_missing: bool = False,
        clock: Clock = time.perf_counter,
    ) -> None:
        if not watts_per_core > 0:
            raise ValueError(f"watts_per_core must be above 0, got {watts_per_core}")
        self.watts_per_core = watts_per_core
        self.notes = list(notes)
        self._gpus = list(gpus)
        self._packages = list(packages)
        self._gpu_missing = gpu_missing
        self._clock = clock
        self._lock = threading.RLock()
        self._n_open = 0
        self._stop = threading.Event()

    @property
    def method(self) -> Method:
        """Where the joules come from."""
        if self._gpus:
            return "nvml+rapl" if self._packages else "nvml+estimate"
        return "rapl" if self._packages else "estimate"

    @property
    def formula(self) -> str:
        """How the joules come about, in a sentence for people."""
        terms = []
        if self._gpus:
            terms.append(f"energy of {_names(self._gpus)} by NVML (whole card)")
        if self._packages:
            terms.append(f"energy of CPU {_names(self._packages)} by RAPL (whole package, without memory)")
        else:
            terms.append(f"CPU seconds of the process and its children x {self.watts_per_core:g} W per core (estimate)")
        whole = "; idle draw and other programs included" if self._gpus or self._packages else ""
        missing = "; not all GPU energy is counted" if self._gpu_missing else ""
        return f"joules = {' + '.join(terms)}{whole}{missing}"

    @contextmanager
    def measure(self) -> Iterator[Reading]:
        """Measure the block; the reading is filled at its end."""
        reading = Reading()
        with self._lock:
            self._n_open += 1
            if self._n_open == 1:
                self._start_polling()
            before = self._read()
        cpu_s = CpuSeconds()
        start_s = self._clock()
        try:
            yield reading
        finally:
            reading.wall_s = self._clock() - start_s
            reading.cpu_s = cpu_s.elapsed()
            with self._lock:
                self._fill(reading, before, self._read())
                self._n_open -= 1
                if self._n_open == 0:
                    self._stop.set()

    def _fill(self, reading: Reading, before: Mapping[Counter, float], after: Mapping[Counter, float]) -> None:
        missing = self._gpu_missing
        reading.cpu_joules = reading.cpu_s * self.watts_per_core
        if self._packages and all(reading.wall_s >= package.step_s for package in self._packages):
            reading.cpu_joules = sum(after[package] - before[package] for package in self._packages)
        else:
            reading.estimated_j = reading.cpu_joules
        for gpu in self._gpus:
            if reading.wall_s >= gpu.step_s:
                reading.gpu_joules += after[gpu] - before[gpu]
            elif (watts := _watts(gpu)) is not None:
                reading.gpu_joules += watts * reading.wall_s
                reading.estimated_j += watts * reading.wall_s
            else:
                missing = True
        reading.joules = reading.cpu_joules + reading.gpu_joules
        if missing:  # a sum that lacks a card is a guess as a whole
            reading.estimated_j = reading.joules

    def _read(self) -> dict[Counter, float]:
        """Joules of every counter; one that fails is dropped with a note, so the run goes on."""
        values: dict[Counter, float] = {}
        for counter in (*self._gpus, *self._packages):
            try:
                values[counter] = counter.joules()
            except OSError as error:
                self._drop(counter, error)
        return values

    def _drop(self, counter: Counter, error: OSError) -> None:
        if counter in self._gpus:
            self._gpus.remove(counter)
            self._gpu_missing = True
            self.notes.append(f"the energy of {counter.name} is no longer counted: {error}")
        elif self._packages:  # one lost package spoils the sum, so all go
            self._packages.clear()
            self.notes.append(f"CPU energy is estimated from here on, {counter.name} cannot be read: {error}")

    def _start_polling(self) -> None:
        poll_s = min((counter.poll_s for counter in (*self._gpus, *self._packages)), default=math.inf)
        if math.isfinite(poll_s):
            self._stop = threading.Event()
            threading.Thread(target=self._poll, args=(self._stop, poll_s), name="evokit-energy", daemon=True).start()

    def _poll(self, stop: threading.Event, poll_s: float) -> None:
        while not stop.wait(poll_s):
            with self._lock:
                if not stop.is_set():
                    self._read()


def _watts(counter: Counter) -> float | None:
    """Power now, None if the source cannot tell."""
    try:
        return counter.watts()
    except OSError:
        return None


def share(joules: float, cpu_s: Sequence[float]) -> list[float]:
    """Split the energy of jobs that ran side by side by their CPU seconds, equally if none used any.

    >>> share(90.0, [1.0, 2.0])
    [30.0, 60.0]
    """
    total = sum(cpu_s)
    if total <= 0:
        return [joules / len(cpu_s)] * len(cpu_s)
    return [joules * (seconds / total) for seconds in cpu_s]  # the product of a tiny time would lose its digits


def _names(counters: Sequence[Counter]) -> str:
    return ", ".join(counter.name for counter in counters)
