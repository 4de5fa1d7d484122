"""A language model as a task."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from evokit.data.text import join_documents
from evokit.data.vocabulary import encode_documents
from evokit.errors import UserError
from evokit.streams import Streams
from evokit_optimizers.models import NetworkContender
from evokit_optimizers.options import TrainedAccuracy
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.tasks.language import LanguageTask, as_bytes
from evokit_optimizers.tasks.options import Language
from evokit_optimizers.tasks.transformer import Transformer
from evokit_optimizers.training.method import Evolved
from tests.plugins.optimizers.tiny_tasks import fitness_of

TEXTS = ["the cat sat on the mat, " * 6, "a dog lay on the rug, é " * 5]
DOCUMENTS = encode_documents(TEXTS)
NETWORK = Transformer(width=8, n_layers=1, n_heads=2, length=16)
OPTIONS = TrainedAccuracy(
    language=Language(width=8, layers=1, heads=2, length=16, validation_blocks=5), steps=4, rungs=(2,), seeds=1, batch=4
)


@pytest.fixture
def task():
    return LanguageTask("text", NETWORK, DOCUMENTS, DOCUMENTS, batch=4, n_blocks=5, per_document=3)


def start(task):
    return task.network.initial(torch.Generator().manual_seed(0))


def predicted(flat, read):
    return NETWORK.logits(NETWORK.views(flat), torch.tensor([list(read)]))[0]


def test_documents_become_their_bytes():
    made = as_bytes(DOCUMENTS)
    assert [made.document(i).tobytes().decode() for i in range(2)] == TEXTS
    assert made.names == DOCUMENTS.names


def test_the_loss_is_the_mean_over_next_bytes(task, float64):
    flat = start(task)
    text = TEXTS[0].encode()
    expected = F.cross_entropy(predicted(flat, b"\n" + text[:15]), torch.tensor(list(text[:16])))
    loss = task.loss(NETWORK.views(flat), {}, torch.tensor([0]), Streams(0))
    assert loss.item() == pytest.approx(expected.item())


def test_a_document_is_scored_by_its_share_of_right_bytes(task):
    short = encode_documents(["the cat", "a dog lay"])
    flat = start(task)
    scores = task.correct(flat, {}, short)
    for score, text in zip(scores, (b"the cat", b"a dog lay"), strict=True):
        guesses = predicted(flat, b"\n" + text[:-1]).argmax(1).numpy()
        assert score == pytest.approx(np.mean(guesses == np.frombuffer(text, np.uint8)))


def test_documents_of_one_unit_have_one_score_the_share_of_their_bytes(task):
    documents = encode_documents(["the cat", "a dog lay", "on"])
    flat = start(task)
    each = task.correct(flat, {}, documents)
    grouped = replace(documents, groups=np.array([2, 1, 2]))
    assert task.correct(flat, {}, grouped) == pytest.approx([(7 * each[0] + 2 * each[2]) / 9, each[1]])


def test_an_empty_document_counts_as_wrong(task):
    documents = join_documents([np.array([], int), DOCUMENTS.document(0)], ["empty", "cat"])
    assert task.correct(start(task), {}, documents)[0] == 0


def test_logits_that_are_not_finite_give_no_accuracy(task):
    assert np.isnan(task.accuracy(start(task) * float("nan"), {}))


def test_a_fitness_on_text_trains_and_scores(tmp_path):
    fitness = fitness_of(OPTIONS, train=DOCUMENTS, validation=DOCUMENTS)
    (result,) = fitness.evaluate([KNOWN["adam"]], 4)
    assert result.ok
    assert result.metrics.keys() == {"text_accuracy", "step_flops", "product_flops"}
    contender = NetworkContender(fitness)
    model = contender.fitted(Evolved(KNOWN["adam"]), {}, 0, 4, tmp_path, {})
    assert contender.unit == "document"
    assert contender.score(model.artifact, DOCUMENTS).shape == (2,)


def test_text_takes_no_names_of_tasks():
    with pytest.raises(ValueError, match="text is one task"):
        fitness_of(replace(OPTIONS, tasks=("digits",)), train=DOCUMENTS, validation=DOCUMENTS)


def test_a_text_shorter_than_a_batch_is_refused():
    with pytest.raises(UserError, match="the text has 16 blocks to train on, not 99"):
        LanguageTask("text", NETWORK, DOCUMENTS, DOCUMENTS, batch=99, n_blocks=5, per_document=3)
