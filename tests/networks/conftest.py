import pytest

from tests.networks.nets import gpt2_in


@pytest.fixture(scope="session")
def gpt2(tmp_path_factory):
    """A model directory of two layers, without weights."""
    return gpt2_in(tmp_path_factory.mktemp("gpt2"))
