"""Energy of a block of work (C7): NVML for GPUs, RAPL for CPUs where readable, else a labelled estimate.

Counters see the whole card and the whole CPU package, so their joules include idle draw and whatever else runs on
the machine. No verdict rests on estimated joules. Imports nothing of evokit; whatever measures or adds up costs imports
it.
"""

from evokit.energy.cost import Cost
from evokit.energy.cpu import process_cpu_s
from evokit.energy.machine import best_meter
from evokit.energy.meter import WATTS_PER_CORE, Meter, Reading, share

__all__ = ["WATTS_PER_CORE", "Cost", "Meter", "Reading", "best_meter", "process_cpu_s", "share"]
