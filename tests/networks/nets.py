"""Networks of a user's own, as small as they can be, and data for them."""

import numpy as np
import torch
from torch import nn

from evokit.data.image_set import ImageSet
from evokit.data.labelled import LabelledTexts
from evokit.data.rows import Rows
from evokit.data.text import join_documents


class Net(nn.Module):
    """Reads rows."""

    def __init__(self, inputs=3, width=8, outputs=1, dropout=0.0):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(inputs, width), nn.Tanh(), nn.Dropout(dropout), nn.Linear(width, width))
        self.head = nn.Linear(width, outputs)

    def forward(self, x):
        return self.head(torch.tanh(self.body(x)))


class Noisy(Net):
    """Draws wherever it is."""

    def forward(self, x):
        return super().forward(x + torch.randn_like(x))


class Lazy(nn.Sequential):
    def __init__(self):
        super().__init__(nn.LazyLinear(1))


class Pictures(nn.Module):
    """Reads images of 4 x 4 pixels."""

    def __init__(self, classes=2):
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(8, classes)

    def forward(self, x):
        return self.head(torch.relu(self.norm(self.conv(x))).flatten(1))


class Words(nn.Module):
    """Reads tokens, one by one."""

    def __init__(self, outputs=50257):
        super().__init__()
        self.embedding, self.head = nn.Embedding(50257, 4), nn.Linear(4, outputs)

    def forward(self, tokens):
        return self.head(self.embedding(tokens))


class Attending(nn.Module):
    """Whose parts read their layers' weights themselves."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)

    def forward(self, x):
        return self.layer(x)


def not_a_module():
    return 3


def rows(n=40, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    return Rows(x, np.sin(x[:, 0]) + x[:, 1] * x[:, 2], ("a", "b", "c"))


def pictures(n=20, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    images = rng.integers(100, size=(n, 4, 4, 1)) + 100 * labels[:, None, None, None]
    one = np.ones(1, np.float32)
    return {"set": ImageSet(images.astype(np.uint8), labels, ("dark", "bright"), one / 2, one)}


def texts(n=12, seed=0):
    rng = np.random.default_rng(seed)
    return join_documents([rng.integers(40, size=5 + i) for i in range(n)], [f"d{seed}.{i}" for i in range(n)])


def labelled(n=12, seed=0):
    return LabelledTexts(texts(n, seed), np.arange(n) % 2, ("a", "b"), np.arange(n) // 2)


class Deep(nn.Module):
    """Three layers, and a parameter that nothing reads."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Sequential(nn.Linear(16, 4), nn.Linear(4, 4)), nn.Linear(4, 2)
        self.unused = nn.Parameter(torch.full((1,), 7.0))

    def forward(self, x):
        return self.head(self.body(x.flatten(1)))


def gpt2_in(folder):
    """A model directory of two layers, without weights."""
    from transformers import GPT2Config

    GPT2Config(n_embd=8, n_layer=2, n_head=2, n_positions=16).save_pretrained(folder)
    return folder
