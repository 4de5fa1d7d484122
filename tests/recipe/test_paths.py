import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import pytest
from annotated_types import MinLen
from pydantic import FilePath

from evokit.components.nested import Nested
from evokit.interfaces import Component
from evokit.options import FolderOrName, HubName
from evokit.plugins import RESTRICT, load_plugins
from evokit.recipe.options import _dataclasses_in
from evokit.recipe.paths import Anchor

PATH_WORDS = {
    "path",
    "paths",
    "folder",
    "folders",
    "file",
    "files",
    "filename",
    "directory",
    "dir",
    "root",
    "checkpoint",
}


@pytest.fixture(autouse=True)
def _installed_plugins(_no_installed_plugins, monkeypatch):
    monkeypatch.delenv(RESTRICT)


@dataclass(frozen=True)
class Part:
    file: Path = Path("part.txt")
    word: str = "plain"


@dataclass(frozen=True)
class Many:
    one: Path | None = None
    several: tuple[Path, ...] = ()
    pair: tuple[str, Path] = ("x", Path("pair.txt"))
    table: Mapping[str, Path] = field(default_factory=dict)
    annotated: Annotated[tuple[Path, ...], MinLen(1)] = (Path("annotated.txt"),)
    checked: FilePath | None = None
    either: Path | Literal["auto"] = "auto"
    loose: str | Path | None = None
    protocol: os.PathLike[str] | None = None
    source: FolderOrName | None = None
    part: Part = field(default_factory=Part)
    parts: tuple[Part | Literal["none"], ...] = ()
    sub: Annotated[Mapping[str, Any], Nested("data")] | None = None
    text: str = "text.txt"
    absolute: Path = Path("/absolute")


def anchored(data):
    """What a section says with its paths below ``/recipe``; defaults aside."""
    anchor = Anchor(_component, lambda _, text: f"/recipe/{text}")
    found = anchor.options(Many, data, ())
    return {key: found[key] for key in data}


def _component(kind, section):
    return Component(kind, "mine", Part) if section and section["name"] == "mine" else None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"one": "a"}, {"one": "/recipe/a"}),
        ({"one": None}, {"one": None}),
        ({"several": ["a", "b"]}, {"several": ["/recipe/a", "/recipe/b"]}),
        ({"pair": ["a", "b"]}, {"pair": ["a", "/recipe/b"]}),
        ({"table": {"x": "a"}}, {"table": {"x": "/recipe/a"}}),
        ({"annotated": ["a"]}, {"annotated": ["/recipe/a"]}),
        ({"checked": "a"}, {"checked": "/recipe/a"}),
        ({"either": "auto"}, {"either": "auto"}),
        ({"either": "automatic"}, {"either": "/recipe/automatic"}),
        ({"loose": "a"}, {"loose": "/recipe/a"}),
        ({"protocol": "a"}, {"protocol": "/recipe/a"}),
        ({"part": {"file": "a", "word": "b"}}, {"part": {"file": "/recipe/a", "word": "b"}}),
        ({"parts": ["none", {"file": "a"}]}, {"parts": ["none", {"file": "/recipe/a"}]}),
        ({"sub": {"name": "mine", "file": "a"}}, {"sub": {"name": "mine", "file": "/recipe/a"}}),
        ({"sub": {"name": "other", "file": "a"}}, {"sub": {"name": "other", "file": "a"}}),
        ({"text": "a"}, {"text": "a"}),
        ({"one": 3, "several": "a", "part": []}, {"one": 3, "several": "a", "part": []}),
        ({"source": "owner/name"}, {"source": "owner/name"}),
        ({"source": "./owner/name"}, {"source": "/recipe/./owner/name"}),
        ({"source": "a/b/c"}, {"source": "/recipe/a/b/c"}),
    ],
)
def test_what_is_a_path_by_its_type_starts_from_the_recipe(given, expected):
    assert anchored(given) == expected


def test_a_default_that_is_a_relative_path_starts_from_the_recipe():
    found = Anchor(lambda *_: None, lambda _, text: os.path.join("/recipe", text)).options(Many, {}, ())
    assert found == {
        "pair": ["x", "/recipe/pair.txt"],
        "annotated": ["/recipe/annotated.txt"],
        "part": {"file": "/recipe/part.txt", "word": "plain"},
    }


def test_no_option_that_names_a_path_is_text():
    """Ours and the installed ones': a text would be read relative to where the command is called."""
    for offer in load_plugins().offers:
        for kind in _dataclasses_in(offer.component.options_class, set()):
            hints = get_type_hints(kind, include_extras=True)
            for one in fields(kind):
                if PATH_WORDS & set(one.name.split("_")):
                    assert _has_path(hints[one.name]), f"{offer.component.name}: {kind.__name__}.{one.name}"


def _has_path(hint):
    return (isinstance(hint, type) and issubclass(hint, os.PathLike)) or any(map(_has_path, get_args(hint)))


# --- in recipes, with a plugin as anybody may write one


PLUGIN = '''
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from evokit import Component, Data, Evaluation, hookimpl
from evokit.common.keys import digest


@dataclass(frozen=True)
class Numbers:
    """A file of numbers, told at once if it is not there."""

    file: Path
    others: tuple[Path, ...] = (Path("default.txt"),)

    def __post_init__(self):
        for file in (self.file, *self.others):
            if not file.is_file():
                raise ValueError(f"there is no file {file}")

    def build(self, context):
        values = [float(self.file.read_text())]
        return Data("numbers", "a file", digest(values), {}, values, values, values)


@dataclass(frozen=True)
class Count:
    objectives: ClassVar = {"ones": "max"}
    budgets: ClassVar = (1,)
    slots: ClassVar = {}
    takes: ClassVar = frozenset({"bits"})
    context: str = "count"

    def build(self, context):
        return type("Counted", (Count,), {"bonus": context.train[0], "context": context.data_digest})()

    def evaluate(self, batch, budget):
        return [Evaluation((float(bits.sum()) + self.bonus,), work=1) for bits in batch]


@hookimpl
def evokit_components():
    return [Component("data", "numbers", Numbers), Component("fitness", "count", Count)]
'''
RECIPE = """\
plugins: [./numbers_plugin.py]
data: {name: numbers, file: sub/one.txt}
fitness: {name: count}
genome: {name: bits, length: 6}
search: {name: generational, population: 4, generations: 3}
crossover: {name: uniform}
mutation: {name: bit_flip}
execution: {backend: inline}
"""


def project(folder, value="1"):
    """A folder with a recipe, its plugin and its files."""
    (folder / "sub").mkdir(parents=True)
    (folder / "numbers_plugin.py").write_text(PLUGIN)
    (folder / "sub" / "one.txt").write_text(value)
    (folder / "default.txt").write_text("2")
    (folder / "r.yaml").write_text(RECIPE)
    return folder / "r.yaml"


def evokit(*arguments):
    from click.testing import CliRunner

    from evokit.cli import main

    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert "Traceback" not in result.output
    return result


def test_a_plugins_paths_work_from_anywhere_and_in_the_saved_recipe(tmp_path, monkeypatch):
    recipe, elsewhere = project(tmp_path / "project"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    run = Path("project/runs/r")
    assert evokit("run", "project/r.yaml", "--out", run).exit_code == 0
    monkeypatch.chdir(elsewhere)
    run = tmp_path / run
    for command in (
        ["check", recipe],
        ["check", run / "recipe.yaml"],
        ["verify", run],
        ["run", recipe, "--out", run, "--resume"],
    ):
        result = evokit(*command)
        assert result.exit_code == 0, result.output
    assert evokit("run", run / "recipe.yaml", "--out", "again").exit_code == 0
    kept = [(folder / "recipe.yaml").read_text() for folder in (run, Path("again"))]
    assert kept[0] == kept[1]
    assert f"file: {tmp_path}/project/sub/one.txt" in kept[0]
    assert f"- {tmp_path}/project/default.txt" in kept[0]


def test_a_file_that_is_not_there_is_told_by_where_it_was_looked_for(tmp_path):
    recipe = project(tmp_path / "project")
    (tmp_path / "project" / "default.txt").unlink()
    result = evokit("check", recipe)
    assert result.exit_code == 2
    assert f"there is no file {tmp_path}/project/default.txt" in result.output


def test_a_project_that_moved_goes_on_and_other_data_are_refused(tmp_path):
    recipe, out = project(tmp_path / "a"), tmp_path / "run"
    assert evokit("run", recipe, "--out", out).exit_code == 0
    moved = (tmp_path / "a").rename(tmp_path / "b") / "r.yaml"
    longer = ("--set", "search.generations=5", "--out", out, "--resume")
    assert evokit("run", moved, *longer).exit_code == 0
    other = project(tmp_path / "c", value="3")
    result = evokit("run", other, *longer)
    assert result.exit_code == 2
    assert "its identity changed (data " in result.output


def test_a_home_is_found(tmp_path, monkeypatch):
    recipe = project(tmp_path / "project")
    monkeypatch.setenv("HOME", str(tmp_path / "project"))
    assert evokit("check", recipe, "--set", "data.file=~/sub/one.txt").exit_code == 0


@pytest.mark.parametrize("path", ["./set", "set", "sets/one", "./sets/one"])
def test_a_saved_data_set_beside_the_recipe_is_found_from_anywhere(tmp_path, monkeypatch, path):
    import datasets

    folder = tmp_path / "project"
    datasets.Dataset.from_dict({"text": [f"text number {i}." for i in range(20)]}).save_to_disk(folder / path)
    load = _loader(folder, path)
    monkeypatch.chdir(tmp_path)
    assert load().options.path == folder / path
    assert load().maker(None).sizes["train_documents"] == 16


def test_a_name_on_the_hub_stays_a_name(tmp_path):
    for path in ("wikitext", "owner/name"):
        section = _loader(tmp_path, path)()
        assert isinstance(section.options.path, HubName)
        assert section.options.path == path


def _loader(folder, path):
    from evokit.recipe import load_recipe

    folder.mkdir(exist_ok=True)
    (folder / "r.yaml").write_text(f"data: {{name: huggingface, path: {path}}}\n" + ONEMAX)
    return lambda: load_recipe(folder / "r.yaml").data


ONEMAX = """\
fitness: {name: onemax}
genome: {name: bits, length: 6}
search: {name: random_search}
"""
