"""Energy of a block of work (C7): NVML for GPUs, RAPL for CPUs where readable, else a labelled estimate.

Counters see the whole card and the whole CPU package, so their joules include idle draw and whatever else runs on
the machine. No verdict rests on estimated joules.
"""

from __future__ import annotations

import math
import os
import resource
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

Method = Literal["nvml+rapl", "nvml+estimate", "rapl", "estimate"]
Clock = Callable[[], float]

POWERCAP = Path("/sys/class/powercap")

# Blocks shorter than the step at which a counter moves would read as 0 J or as a whole step.
_RAPL_STEP_S = 0.02
_NVML_STEP_S = 0.2
_SAMPLING_S = 0.1
# A package that draws less than this cannot pass through its counter's range twice between two polls.
_MOST_WATTS = 1000.0


@dataclass(slots=True)
class Reading:
    """What a block cost; filled when the block ends, whether or not it raised."""

    wall_s: float = 0.0
    cpu_s: float = 0.0  # this process and all its descendants
    joules: float = 0.0
    gpu_joules: float = 0.0
    cpu_joules: float = 0.0
    estimated: bool = True  # some part of the joules was not read from a counter


class Counter(Protocol):
    """A source of energy readings."""

    name: str
    step_s: float  # blocks shorter than this cannot be read from it
    poll_s: float  # must be read at least this often while a block is open

    def joules(self) -> float:
        """Joules since a fixed moment. Raises ``OSError`` if the source has gone."""

    def watts(self) -> float | None:
        """Power now; None if the source cannot tell. Raises ``OSError``."""


class RaplPackage:
    """Energy counter of one CPU package under powercap.

    Args:
        zone: Directory with ``name``, ``energy_uj`` and ``max_energy_range_uj``.

    Raises:
        OSError: A file is missing or may not be read.

    Source: Linux kernel, Documentation/power/powercap/powercap.rst.
    """

    step_s = _RAPL_STEP_S

    def __init__(self, zone: Path) -> None:
        self._file = zone / "energy_uj"
        self._range = int((zone / "max_energy_range_uj").read_text())
        self._total = 0
        self._last = self._read()
        self.name = (zone / "name").read_text().strip()
        self.poll_s = self._range * 1e-6 / _MOST_WATTS / 2

    def _read(self) -> int:
        return int(self._file.read_text())

    def joules(self) -> float:
        now = self._read()
        # The counter restarts at 0 after its range.
        self._total += now - self._last if now >= self._last else now - self._last + self._range
        self._last = now
        return self._total * 1e-6

    def watts(self) -> None:
        return None


class NvmlEnergy:
    """A card's own total-energy counter (Volta and newer)."""

    step_s = _NVML_STEP_S
    poll_s = math.inf

    def __init__(self, nvml: Any, card: Any, name: str) -> None:
        self.name = name
        self._nvml = nvml
        self._card = card

    def joules(self) -> float:
        with _nvml_errors(self._nvml):
            return float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._card)) * 1e-3

    def watts(self) -> float:
        with _nvml_errors(self._nvml):
            return float(self._nvml.nvmlDeviceGetPowerUsage(self._card)) * 1e-3


class NvmlPower:
    """Energy of a card without a counter: its power, sampled and integrated by the trapezoidal rule."""

    step_s = 0.0
    poll_s = _SAMPLING_S

    def __init__(self, nvml: Any, card: Any, name: str, clock: Clock = time.perf_counter) -> None:
        self.name = name
        self._nvml = nvml
        self._card = card
        self._clock = clock
        self._total = 0.0
        self._last_s = clock()
        self._last_w = self.watts()

    def joules(self) -> float:
        now_s, now_w = self._clock(), self.watts()
        self._total += (now_s - self._last_s) * (now_w + self._last_w) / 2
        self._last_s, self._last_w = now_s, now_w
        return self._total

    def watts(self) -> float:
        with _nvml_errors(self._nvml):
            return float(self._nvml.nvmlDeviceGetPowerUsage(self._card)) * 1e-3


@contextmanager
def _nvml_errors(nvml: Any) -> Iterator[None]:
    try:
        yield
    except nvml.NVMLError as error:
        raise OSError(f"NVML: {error}") from error


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
        gpus: Sequence[Counter],
        packages: Sequence[Counter],
        watts_per_core: float,
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
        cpu_s = _CpuSeconds()
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
        estimate = reading.cpu_s * self.watts_per_core
        gpus = [self._spent(gpu, reading.wall_s, before, after) for gpu in self._gpus]
        packages = [self._spent(package, reading.wall_s, before, after) for package in self._packages]
        short = any(reading.wall_s < counter.step_s for counter in (*self._gpus, *self._packages))
        known = [joules for joules in packages if joules is not None]
        reading.cpu_joules = sum(known, 0.0) if packages and len(known) == len(packages) else estimate
        reading.gpu_joules = sum((joules for joules in gpus if joules is not None), 0.0)
        reading.joules = reading.cpu_joules + reading.gpu_joules
        reading.estimated = short or not self._packages or self._gpu_missing

    @staticmethod
    def _spent(
        counter: Counter, wall_s: float, before: Mapping[Counter, float], after: Mapping[Counter, float]
    ) -> float | None:
        if wall_s >= counter.step_s:
            return after[counter] - before[counter]
        try:
            watts = counter.watts()
        except OSError:
            return None
        return None if watts is None else watts * wall_s

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
        self._stop = threading.Event()
        if math.isfinite(poll_s):
            threading.Thread(target=self._poll, args=(self._stop, poll_s), name="evokit-energy", daemon=True).start()

    def _poll(self, stop: threading.Event, poll_s: float) -> None:
        while not stop.wait(poll_s):
            with self._lock:
                if not stop.is_set():
                    self._read()


def best_meter(
    device: str | Sequence[str],
    watts_per_core: float,
    *,
    powercap: Path = POWERCAP,
    environ: Mapping[str, str] = os.environ,
    clock: Clock = time.perf_counter,
) -> Meter:
    """The best meter that this machine allows. Nothing raises: what cannot be read is told in ``notes``.

    Args:
        device: The torch device of the run, or all of them: ``cpu``, ``cuda`` (card 0), ``cuda:1``.
        watts_per_core: Power of one busy core, for the estimate where RAPL cannot be read.
        powercap: Where the kernel shows RAPL.
        environ: Where ``CUDA_VISIBLE_DEVICES`` is looked up.
        clock: Seconds.
    """
    devices = [device] if isinstance(device, str) else list(device)
    notes: list[str] = []
    gpus, gpu_missing = _gpu_counters(devices, environ, clock, notes)
    packages: list[Counter] = []
    try:
        packages.extend(rapl_packages(powercap))
    except OSError as error:
        notes.append(f"CPU energy is estimated: {error}")
    return Meter(gpus, packages, watts_per_core, notes, gpu_missing=gpu_missing, clock=clock)


def rapl_packages(powercap: Path = POWERCAP) -> list[RaplPackage]:
    """Counters of all CPU packages.

    Only zones named ``package-*``: their sub-zones (core, uncore) and ``psys`` hold the same energy again.

    Raises:
        OSError: There is no RAPL here, or it may not be read; the message is a sentence for people.
    """
    zones = sorted(zone for zone in powercap.glob("intel-rapl:*") if _zone_name(zone).startswith("package"))
    if not zones:
        raise FileNotFoundError(f"no RAPL package under {powercap}")
    try:
        return [RaplPackage(zone) for zone in zones]
    except PermissionError as error:
        raise PermissionError(f"RAPL is there, but {error.filename} may not be read") from error
    except ValueError as error:
        raise OSError(f"RAPL under {powercap} is not a number: {error}") from error


def _zone_name(zone: Path) -> str:
    try:
        return (zone / "name").read_text().strip()
    except OSError:
        return ""


def gpu_counter(nvml: Any, card: Any, clock: Clock = time.perf_counter) -> Counter:
    """The card's total-energy counter where it has one, else its integrated power.

    Args:
        nvml: The module ``pynvml``, initialised.
        card: NVML handle.
        clock: Seconds.

    Raises:
        OSError: The card shows neither.
    """
    name = _card_name(nvml, card)
    counter = NvmlEnergy(nvml, card, name)
    try:
        if counter.joules() > 0:
            return counter
    except OSError:
        pass  # an older card: its power may still be read
    return NvmlPower(nvml, card, name, clock)


def open_nvml() -> Any:
    """The module ``pynvml``, initialised.

    Raises:
        OSError: It is not installed, or there is no NVIDIA driver.
    """
    try:
        import pynvml
    except (ImportError, RuntimeError, OSError) as error:
        raise OSError(f"pynvml cannot be imported: {error}") from error
    with _nvml_errors(pynvml):
        pynvml.nvmlInit()
    return pynvml


def _gpu_counters(
    devices: Sequence[str], environ: Mapping[str, str], clock: Clock, notes: list[str]
) -> tuple[list[Counter], bool]:
    """Counters of the cards in use, and whether one of them is missing; ``notes`` is told why."""
    used = sorted({_cuda_index(device) for device in devices if device.startswith("cuda")})
    other = sorted({device for device in devices if not device.startswith(("cuda", "cpu"))})
    notes.extend(f"the energy of {device} is not counted: only NVIDIA GPUs can be read" for device in other)
    if not used:
        return [], bool(other)
    try:
        nvml = open_nvml()
        cards = _visible_cards(nvml, environ.get("CUDA_VISIBLE_DEVICES"))
        if environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID" and len({_card_name(nvml, card) for card in cards}) > 1:
            notes.append("the GPUs differ: set CUDA_DEVICE_ORDER=PCI_BUS_ID to be sure that the right one is read")
    except OSError as error:
        notes.append(f"GPU energy is not counted: {error}")
        return [], True
    missing = bool(other)
    counters: dict[str, Counter] = {}  # by UUID: two slices of one card are one card
    for index in used:
        try:
            if index >= len(cards):
                raise OSError(f"NVML shows {len(cards)} visible cards")
            with _nvml_errors(nvml):
                uuid = str(nvml.nvmlDeviceGetUUID(cards[index]))
                if uuid not in counters:
                    counters[uuid] = gpu_counter(nvml, cards[index], clock)
        except OSError as error:
            missing = True
            notes.append(f"the energy of cuda:{index} is not counted: {error}")
    return list(counters.values()), missing


def _cuda_index(device: str) -> int:
    _, _, index = device.partition(":")
    return int(index) if index else 0


def _card_name(nvml: Any, card: Any) -> str:
    with _nvml_errors(nvml):
        return str(nvml.nvmlDeviceGetName(card))


def _visible_cards(nvml: Any, visible: str | None) -> list[Any]:
    """NVML handles in the order in which CUDA numbers the cards that it may see."""
    with _nvml_errors(nvml):
        cards = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
        if visible is None:
            return cards
        chosen = []
        for entry in (part.strip() for part in visible.split(",")):
            card = _find_card(nvml, cards, entry)
            if card is None:
                break  # as CUDA does: what follows an entry that names no card is not seen
            chosen.append(card)
        return chosen


def _find_card(nvml: Any, cards: Sequence[Any], entry: str) -> Any | None:
    if entry.isdigit():
        return cards[int(entry)] if int(entry) < len(cards) else None
    if entry.startswith("MIG-"):  # a slice has no counter of its own
        return nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvml.nvmlDeviceGetHandleByUUID(entry))
    if not entry.startswith("GPU-"):
        return None
    return next((card for card in cards if str(nvml.nvmlDeviceGetUUID(card)).startswith(entry)), None)


def share(joules: float, cpu_s: Sequence[float]) -> list[float]:
    """Split the energy of jobs that ran side by side by their CPU seconds, equally if none used any.

    >>> share(90.0, [1.0, 2.0])
    [30.0, 60.0]
    """
    total = sum(cpu_s)
    if total <= 0:
        return [joules / len(cpu_s)] * len(cpu_s)
    return [joules * (seconds / total) for seconds in cpu_s]  # the product of a tiny time would lose its digits


class _CpuSeconds:
    """CPU seconds from now on: of this process, of children it waited for and of living descendants."""

    def __init__(self) -> None:
        self._children = _children_cpu_s()
        self._own = time.process_time()

    def elapsed(self) -> float:
        own = time.process_time() - self._own
        # Clock ticks of the living become microseconds once they are waited for: the sum may step back a little.
        return own + max(0.0, _children_cpu_s() - self._children)


def _children_cpu_s() -> float:
    waited = resource.getrusage(resource.RUSAGE_CHILDREN)
    living = sum(_process_cpu_s(pid) for pid in _descendants(os.getpid()))
    return waited.ru_utime + waited.ru_stime + living


def _descendants(pid: int) -> Iterator[int]:
    """Living descendants, where the kernel tells them; elsewhere none."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return  # it has just ended
    for task in tasks:
        try:
            children = Path(f"/proc/{pid}/task/{task}/children").read_text().split()
        except OSError:
            continue  # the thread has just ended
        for child in map(int, children):
            yield child
            yield from _descendants(child)


def _process_cpu_s(pid: int) -> float:
    """Of a process and of the children it waited for. Source: proc_pid_stat(5), fields 14 to 17, in clock ticks."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0  # it has just ended
    return sum(int(ticks) for ticks in after_name[11:15]) / os.sysconf("SC_CLK_TCK")


def _names(counters: Sequence[Counter]) -> str:
    return ", ".join(counter.name for counter in counters)
