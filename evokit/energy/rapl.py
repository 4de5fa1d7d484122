"""Energy counters of CPU packages: RAPL as the Linux kernel shows it."""

from __future__ import annotations

from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
STEP_S = 0.02
"""Blocks shorter than the step at which the counter moves would read as 0 J or as a whole step."""
# A package that draws less than this cannot pass through its counter's range twice between two polls.
_MOST_WATTS = 1000.0


class RaplPackage:
    """Energy counter of one CPU package under powercap.

    Args:
        zone: Directory with ``name``, ``energy_uj`` and ``max_energy_range_uj``.

    Raises:
        OSError: A file is missing or may not be read.

    Source: Linux kernel, Documentation/power/powercap/powercap.rst.
    """

    step_s = STEP_S

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
