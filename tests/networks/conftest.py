import pytest


@pytest.fixture(scope="session")
def gpt2(tmp_path_factory):
    """A model directory of two layers, without weights."""
    from transformers import GPT2Config

    folder = tmp_path_factory.mktemp("gpt2")
    GPT2Config(n_embd=8, n_layer=2, n_head=2, n_positions=16).save_pretrained(folder)
    return folder
