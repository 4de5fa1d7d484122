"""Energy of NVIDIA GPUs, read through NVML."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from evokit.energy.counter import Clock, Counter

STEP_S = 0.2  # at which a card's counter moves
_SAMPLING_S = 0.1


class NvmlEnergy:
    """A card's own total-energy counter (Volta and newer)."""

    step_s = STEP_S
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


def gpu_counters(
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
