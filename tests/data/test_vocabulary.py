import hashlib
from importlib.resources import files

import pytest

from evokit.data import vocabulary
from evokit.data.text import EOS
from evokit.data.vocabulary import N_VOCAB, encode_documents, escaped_text, gpt2_tokenizer

GOLDEN = {
    "Hello world": [15496, 995],
    " The quick brown fox jumps over the lazy dog.": [383, 2068, 7586, 21831, 18045, 625, 262, 16931, 3290, 13],
}


@pytest.fixture(scope="module")
def tokenizer():
    return gpt2_tokenizer()


def test_the_packaged_merges_are_openais():
    data = (files("evokit.data") / "files" / "vocab.bpe").read_bytes()
    assert hashlib.sha256(data).hexdigest() == "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"


def test_the_vocabulary_has_gpt2s_size_and_end_of_text(tokenizer):
    assert len(tokenizer) == 50257
    assert tokenizer.eos_token_id == EOS


@pytest.mark.parametrize("text", GOLDEN)
def test_golden_ids(tokenizer, text):
    assert tokenizer(text).input_ids == GOLDEN[text]
    assert encode_documents([text]).tokens.tolist() == GOLDEN[text]


@pytest.mark.parametrize("text", ["a  b\n\n\tc", "naïve café — “quoted” 🙂 日本", "can't won't 3.14 $1,000", " \n "])
def test_tokens_spell_the_text_again(tokenizer, text):
    ids = encode_documents([text]).tokens.tolist()
    assert ids == tokenizer(text).input_ids
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text


def test_a_spelled_out_end_of_text_is_ordinary_text():
    assert EOS not in encode_documents(["a <|endoftext|> b"]).tokens


def test_documents_are_encoded_one_by_one_in_order():
    documents = encode_documents(["Hello world", "", "!"], ["x", "y", "z"])
    assert documents.names == ("x", "y", "z")
    assert [documents.document(i).tolist() for i in range(3)] == [[15496, 995], [], [0]]


def test_no_texts_are_no_documents():
    assert len(encode_documents([])) == 0


def test_chunks_do_not_change_the_tokens(monkeypatch):
    texts = ["one two", "three", "", "four five six"]
    whole = encode_documents(texts)
    monkeypatch.setattr(vocabulary, "_CHUNK", 8)
    assert encode_documents(texts).digest == whole.digest


def test_printable_text_is_not_escaped():
    text = "«Où?» A line\nand \u201canother\u201d \U0001f600"
    assert escaped_text(encode_documents([text]).tokens) == text


def test_what_cannot_be_printed_is_escaped():
    bell, back = encode_documents(["\x07\u202e"]).tokens, [N_VOCAB, N_VOCAB - 1]
    assert escaped_text(bell) == r"\x07\u202e"
    assert escaped_text(back) == "<50257><|endoftext|>"


def test_long_texts_are_tokenized_once(monkeypatch, tmp_path):
    monkeypatch.setenv("EVOKIT_CACHE", str(tmp_path))
    monkeypatch.setattr(vocabulary, "_WORTH_CACHING", 5)
    first = encode_documents(["one two", "three"], ["a", "b"])
    monkeypatch.setattr(vocabulary, "_encode", None)
    assert encode_documents(["one two", "three"], ["a", "b"]).digest == first.digest


@pytest.mark.parametrize("texts", [["one two", "threes"], ["one twot", "hree"], ["three", "one two"]])
def test_other_texts_are_tokenized_anew(monkeypatch, tmp_path, texts):
    monkeypatch.setenv("EVOKIT_CACHE", str(tmp_path))
    monkeypatch.setattr(vocabulary, "_WORTH_CACHING", 5)
    encode_documents(["one two", "three"])
    expected = vocabulary._encode(texts)["tokens"]
    assert encode_documents(texts).tokens.tolist() == expected.tolist()
