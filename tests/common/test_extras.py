from types import SimpleNamespace

import pytest

from evokit.common import extras
from evokit.common.extras import lacking

REQUIRES = [
    "numpy>=1.26",
    'waiting; extra == "slow"',
    'drawing>=3; extra == "plot"',
    'thinking>=2; extra == "deep"',
    'My_Plugin[plot]; extra == "deep"',
    'never; extra == "deep" and python_version < "3"',
    'My_Plugin[deep]; extra == "plot"',
    'always; python_version >= "3"',
    'also; extra == "deep" or python_version >= "3"',
]


@pytest.fixture
def installed(monkeypatch):
    """Makes a distribution ``my-plugin`` with extras of whose requirements the named ones are installed."""

    def install(*names):
        def version(name):
            if name not in names:
                raise extras.metadata.PackageNotFoundError(name)
            return "1.0"

        def requires(name):
            if name != "my-plugin":
                raise extras.metadata.PackageNotFoundError(name)
            return REQUIRES

        error = extras.metadata.PackageNotFoundError
        fake = SimpleNamespace(version=version, requires=requires, PackageNotFoundError=error)
        monkeypatch.setattr(extras, "metadata", fake)
        lacking.cache_clear()

    yield install
    lacking.cache_clear()


@pytest.mark.parametrize(
    ("there", "lacks"),
    [((), ("drawing", "thinking")), (("thinking",), ("drawing",)), (("drawing", "thinking"), ())],
)
def test_an_extra_lacks_what_it_and_those_that_it_names_require_and_is_not_there(installed, there, lacks):
    installed(*there)
    assert lacking("my-plugin", "deep") == lacks


@pytest.mark.parametrize(("distribution", "extra"), [("my-plugin", ""), ("my-plugin", "none_such"), ("", "deep")])
def test_no_extra_lacks_nothing(installed, distribution, extra):
    installed()
    assert lacking(distribution, extra) == ()
