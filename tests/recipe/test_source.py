from pathlib import Path

import pytest

from evokit.recipe.source import read_source
from evokit.recipe.yaml_source import RecipeError, Where


def write(name, text):
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(text)


def read(*overrides, name="r.yaml"):
    source = read_source(Path(name), overrides)
    return source.root.plain(), list(map(str, source.problems))


@pytest.fixture(autouse=True)
def _base(folder):
    write(
        "base.yaml", "seed: 1\nsearch: {name: generational, population: 8}\nscreens: [{name: a}, {name: b, top: 1}]\n"
    )


def test_mappings_merge_and_lists_replace():
    write("r.yaml", "extends: base.yaml\nsearch: {population: 16}\nscreens: [{name: c}]\n")
    merged = {"seed": 1, "search": {"name": "generational", "population": 16}, "screens": [{"name": "c"}]}
    assert read() == (merged, [])


def test_a_section_whose_name_changes_is_replaced_whole():
    write("r.yaml", "extends: base.yaml\nsearch: {name: steady_state}\n")
    assert read()[0]["search"] == {"name": "steady_state"}


def test_a_section_that_repeats_its_name_is_merged():
    write("r.yaml", "extends: base.yaml\nsearch: {name: generational, elites: 1}\n")
    assert read()[0]["search"] == {"name": "generational", "population": 8, "elites": 1}


def test_a_chain_is_followed_from_the_file_that_names_the_next():
    write("sub/middle.yaml", "extends: ../base.yaml\nseed: 2\n")
    write("r.yaml", "extends: sub/middle.yaml\nrepeats: 3\n")
    values = read()[0]
    assert (values["seed"], values["repeats"], values["search"]["population"]) == (2, 3, 8)
    assert "extends" not in values


def test_values_remember_the_file_that_gave_them():
    write("r.yaml", "extends: base.yaml\n\nseed: 5\n")
    root = read_source(Path("r.yaml"), ["repeats=2"]).root
    assert root.nearest(("seed",)) == Where("r.yaml", 3)
    assert root.nearest(("search", "population")) == Where("base.yaml", 2)
    assert root.nearest(("repeats",)) == Where("--set")


def test_recipes_that_extend_each_other_are_an_error():
    write("r.yaml", "seed: 1\nextends: s.yaml\n")
    write("s.yaml", "extends: ./r.yaml\n")
    with pytest.raises(RecipeError, match=r"^s\.yaml:1: extends: .* in a circle: r\.yaml -> s\.yaml -> r\.yaml$"):
        read()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nextends: gone.yaml", r"^r\.yaml:2: extends: gone\.yaml: no such file$"),
        ("[1, 2]", r"^r\.yaml:1: a recipe is a mapping \(key: value\), got a list$"),
        ("", r"^r\.yaml:1: a recipe is a mapping \(key: value\), got nothing$"),
    ],
)
def test_a_file_that_is_no_recipe_is_an_error(text, message):
    write("r.yaml", text)
    with pytest.raises(RecipeError, match=message):
        read()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.yaml", r"^gone\.yaml: no such file$"),
        ("sub", r"^sub: cannot be read: Is a directory$"),
        ("latin.yaml", r"^latin\.yaml: not a text file in UTF-8 \(.* at byte 3\)$"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(name, message):
    Path("sub").mkdir()
    Path("latin.yaml").write_bytes(b"a: \xe9")
    with pytest.raises(RecipeError, match=message):
        read(name=name)


def test_extends_that_is_no_path_is_a_problem():
    write("r.yaml", "extends: [base.yaml]\n")
    assert read()[1] == ["r.yaml:1: extends: must be the path of a recipe, got a list"]


def test_plugin_paths_start_from_the_file_that_names_them(folder):
    write("sub/r.yaml", "plugins: [./mine.py, ../ours.py]\n")
    assert read(name="sub/r.yaml")[0]["plugins"] == [str(folder / "sub/mine.py"), str(folder / "ours.py")]
    assert read("plugins=[x.py]", name="sub/r.yaml")[0]["plugins"] == [str(folder / "x.py")]


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("search.population=64", ("search", "population"), 64),
        ("screens.1.top=0.5", ("screens", 1, "top"), 0.5),
        ("stop.patience=5", ("stop", "patience"), 5),
        ("search.lr=[5e-4, 1e-3]", ("search", "lr"), [5e-4, 1e-3]),
        ("confirm=null", ("confirm",), None),
        ("data.name=a=b", ("data", "name"), "a=b"),
        ("seed.deeper=1", ("seed", "deeper"), 1),
    ],
)
def test_set_puts_a_yaml_value_at_a_path(override, path, value):
    node = read_source(Path("base.yaml"), [override]).root.at(path)
    assert node.plain() == value


def test_setting_another_name_drops_the_options_of_the_old_component():
    assert read("search.name=nsga2", name="base.yaml")[0]["search"] == {"name": "nsga2"}
    assert read("search.name=generational", name="base.yaml")[0]["search"]["population"] == 8


@pytest.mark.parametrize("overrides", [["search.name=nsga2"], []])
def test_a_missing_option_of_the_old_component_is_told_to_be_gone(overrides):
    write("r.yaml", "extends: base.yaml\n" + ("" if overrides else "search: {name: nsga2}\n"))
    source = read_source(Path("r.yaml"), overrides)
    for key in ("population", "elites"):
        source.report_whole(("search",), f"{key} is missing")
    first, second = map(str, source.problems)
    assert "population is missing; a section of another name begins without the options" in first
    assert second.endswith("elites is missing")


def test_options_set_before_their_name_are_kept():
    values = read("search.islands=4", "search.name=islands", name="base.yaml")[0]
    assert values["search"] == {"name": "islands", "islands": 4}


def test_the_last_of_two_overrides_of_one_path_wins():
    assert read("seed=5", "seed=6", name="base.yaml")[0]["seed"] == 6


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "--set: must look like search.population=64, got 'seed'"),
        ("=1", "--set: must look like search.population=64, got '=1'"),
        ("a..b=1", "--set: must look like search.population=64, got 'a..b=1'"),
        ("screens.2.top=1", "--set: screens.2.top: the list has 2 entries, counted from 0"),
        ("screens.x=1", "--set: screens.x: the list has 2 entries, counted from 0"),
        ("seed=!x 1", "--set: seed: tags are not read here: !x"),
    ],
)
def test_an_override_that_cannot_be_applied_is_a_problem(override, message):
    assert read(override, name="base.yaml")[1] == [message]


def test_an_override_that_is_no_yaml_is_an_error():
    with pytest.raises(RecipeError, match=r"^--set: seed: not YAML: "):
        read("seed=[1", name="base.yaml")


def test_what_a_recipe_extends_is_said_in_its_file_alone():
    write("r.yaml", "seed: 1\n")
    problem = "--set: extends: a recipe says itself what it extends; write it into its file"
    assert read("extends=base.yaml") == ({"seed": 1}, [problem])


def test_what_cannot_be_read_is_reported_once():
    write("r.yaml", "seed: 1\nsearch: {name: a, top: .inf, deep: [{x: .nan}]}\ngenome: !tag {name: b}\n")
    source = read_source(Path("r.yaml"))
    before = list(map(str, source.problems))
    for path in [("search", "top"), ("search", "top", "int"), ("search", "deep", 0, "x"), ("genome", "name")]:
        source.report(path, "must be another")
    assert list(map(str, source.problems)) == before
    source.report(("search", "name"), "must be another")
    assert len(source.problems) == len(before) + 1


def test_files_that_extend_each_other_by_other_ways_are_a_circle_too():
    write("sub/b.yaml", "extends: ../sub/../a.yaml\n")
    write("a.yaml", "extends: sub/../sub/b.yaml\n")
    with pytest.raises(RecipeError, match=r"recipes extend each other in a circle: a.yaml -> "):
        read(name="a.yaml")


def test_a_home_may_be_extended(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write(tmp_path / "home" / "mine.yaml", "seed: 9\n")
    write("r.yaml", "extends: ~/mine.yaml\n")
    assert read() == ({"seed": 9}, [])


def test_a_mark_of_the_byte_order_is_no_text():
    Path("r.yaml").write_bytes(b"\xef\xbb\xbfseed: 9\n")
    assert read() == ({"seed": 9}, [])
