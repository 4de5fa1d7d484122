import os

from evokit.common.nowhere import outlasting


def test_a_stream_outlasts_its_reader():
    reader, writer = os.pipe()
    with open(writer, "w") as stream:
        kept = outlasting(stream)
        kept.write("heard\n")
        kept.flush()
        assert os.read(reader, 100) == b"heard\n"
        os.close(reader)
        for _ in range(2):
            assert kept.write("x" * 100_000) == 100_000
            kept.flush()
        assert (kept.fileno(), kept.isatty()) == (writer, False)


def test_a_stream_that_is_closed_from_the_beginning_takes_everything():
    stream = outlasting(None)
    assert stream.write("heard by nobody") == 15
    stream.close()
