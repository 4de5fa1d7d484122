import numpy as np
import pytest
import torch
import torch.nn.functional as F

from evokit.networks.examples import Reader, order_of
from evokit.streams import Streams
from tests.networks.nets import Net, Pictures, Words, labelled, pictures, rows, texts

EVERY = slice(None)


def examples(side, length=8, **options):
    return Reader(side, length, "cpu", **options).examples(side)


def answered(one, answer):
    """What it makes of an answer."""

    class Told(torch.nn.Module):
        def forward(self, x):
            return answer

    module = Told()
    return one.outputs(module, module, EVERY)


def test_rows_are_standardised_by_the_training_side():
    train, other = rows(), rows(seed=1)
    one = Reader(train, 1, "cpu").examples(other)
    x = (other.x - train.x.mean(0)) / train.x.std(0)
    np.testing.assert_allclose(one.inputs["x"], x, rtol=1e-6)
    y = (other.y - train.y.mean()) / train.y.std()
    outputs = answered(one, torch.zeros(40, 1))
    np.testing.assert_allclose(one.losses(outputs, EVERY), y**2, rtol=1e-5)


def test_images_are_planes_about_zero_and_their_loss_is_in_nats():
    one = examples(pictures())
    outputs = one.outputs(module := Pictures(), module, EVERY)
    assert outputs.shape == (20, 2)
    assert torch.allclose(
        one.losses(outputs, EVERY).mean(), F.cross_entropy(outputs, one.targets)
    )  # sums in other orders
    assert torch.equal(one.right(-outputs, EVERY), 1 - one.right(outputs, EVERY))


def test_texts_without_labels_ask_for_the_next_token():
    one = examples(texts())
    assert one.inputs["input_ids"][0, 0] == 50256
    assert torch.equal(one.inputs["input_ids"][:, 1:], one.targets[:, :-1])
    outputs = one.outputs(module := Words(), module, EVERY)
    nats = F.cross_entropy(outputs.flatten(0, 1), one.targets.flatten())
    assert torch.allclose(one.losses(outputs, EVERY).mean(), nats)


def test_the_last_block_of_a_text_counts_its_own_tokens_alone():
    side = texts(1)  # five tokens
    one = Reader(side, 8, "cpu").examples(side, whole=True)
    outputs = one.outputs(module := Words(), module, EVERY)
    assert torch.allclose(one.losses(outputs, EVERY)[0], F.cross_entropy(outputs[0, :5], one.targets[0, :5]))


def test_labelled_texts_are_cut_and_padded_and_masked():
    side = labelled()
    one = examples(side)
    assert one.inputs["attention_mask"].sum(1).tolist() == [min(5 + i, 8) for i in range(12)]
    assert one.inputs["input_ids"][0].tolist() == [*side.texts.document(0).tolist(), 50256, 50256, 50256]


def test_arguments_of_transformers_are_given_by_name():
    class Named(torch.nn.Module):
        def forward(self, attention_mask, other=None):
            return attention_mask[:, :2].float()

    one = examples(labelled())
    assert torch.equal(one.outputs(module := Named(), module, EVERY), torch.ones(12, 2))


def test_a_directory_without_gpt2s_tokens_reads_with_its_own(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    from evokit.data.vocabulary import encode_documents

    words = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1, "yes": 2, "no": 3}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]").save_pretrained(tmp_path)
    side = labelled(2)
    side = type(side)(encode_documents(["yes no", "no maybe no"]), side.labels, side.classes, side.units)
    one = examples(side, length=4, tokenizer=tmp_path)
    assert one.inputs["input_ids"].tolist() == [[2, 3, 0, 0], [3, 1, 3, 0]]
    with pytest.raises(ValueError, match="its tokenizer is not GPT-2's"):
        Reader(texts(), 4, "cpu", tmp_path)


@pytest.mark.parametrize(
    ("side", "answer", "said"),
    [
        (rows(), torch.zeros(40, 2), r"must return \(40\), a number for each row.* returns \(40, 2\)"),
        (pictures(), torch.zeros(20, 3), r"must return \(20, 2\), a logit for each class.* returns \(20, 3\)"),
        (texts(), torch.zeros(1, 2), r"must return \(.*, 8, vocabulary\), logits of the next token"),
        (rows(), {"a": 1}, "must return a tensor, or something with logits, got dict"),
    ],
)
def test_an_answer_of_another_shape_is_told(side, answer, said):
    with pytest.raises(ValueError, match=said):
        answered(examples(side), answer)


@pytest.mark.parametrize(
    ("side", "said"), [(3, "a module reads images"), ({**pictures(), "more": pictures()["set"]}, "one set of images")]
)
def test_data_of_another_kind_are_told(side, said):
    with pytest.raises(ValueError, match=said):
        Reader(side, 8, "cpu")


def test_an_epoch_visits_all_once_and_the_next_one_in_another_order():
    one = examples(rows(10))
    first, second = (torch.cat([order_of(one, 5, step, Streams(0)) for step in steps]) for steps in ((0, 1), (2, 3)))
    assert sorted(first.tolist()) == list(range(10)) == sorted(second.tolist())
    assert first.tolist() != second.tolist()


def test_a_network_of_rows_may_answer_with_a_column():
    one = examples(rows())
    assert one.outputs(module := Net(), module, EVERY).shape == (40,)
