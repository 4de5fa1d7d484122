import numpy as np
import pytest

from evokit.data.table import Table, read_csv, read_npz
from evokit.interfaces import Context
from evokit.streams import Streams


def written(folder, text):
    (folder / "t.csv").write_text(text)
    return folder / "t.csv"


def test_the_target_is_the_last_column_or_the_one_that_is_named(tmp_path):
    path = written(tmp_path, "mass, speed,energy\n1,2,3\n4,5,6e-1\n")
    last, named = read_csv(path), read_csv(path, "speed")
    assert (last.names, last.x.tolist(), last.y.tolist()) == (("mass", "speed"), [[1, 2], [4, 5]], [3, 0.6])
    assert (named.names, named.x.tolist(), named.y.tolist()) == (("mass", "energy"), [[1, 3], [4, 0.6]], [2, 5])


def test_arrays_are_read_from_npz(tmp_path):
    x, y = np.arange(6.0).reshape(3, 2), np.array([1, 2, 3])
    np.savez(tmp_path / "a.npz", x=x, y=y)
    np.savez(tmp_path / "b.npz", x=x, y=y, names=["a", "b"])
    assert read_npz(tmp_path / "a.npz").names == ("x0", "x1")
    found = read_npz(tmp_path / "b.npz")
    assert (found.names, found.x.tolist(), found.y.tolist()) == (("a", "b"), x.tolist(), [1, 2, 3])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.csv is empty; its first line holds the names"),
        ("a\n1\n", "needs two or more columns"),
        ("a,b\n1,2\n3\n", "line 3 of t.csv must be 2 numbers"),
        ("a,b\n1,two\n", "line 2 of t.csv must be 2 numbers"),
        ("a,b\n" + "1,2\n2,nan\n" * 9, "numbers that are not finite"),
        ("a,b\n1,2\n", "1 rows are too few"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        Table(written(tmp_path, text)).build(Context(Streams(0)))


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        read_csv(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="cannot be read"):
        read_npz(tmp_path / "none.npz")
    with pytest.raises(ValueError, match=r"target: t.csv has no column 'c' \(it has a, b\)"):
        read_csv(written(tmp_path, "a,b\n1,2\n"), "c")
    np.savez(tmp_path / "flat.npz", x=np.zeros(3), y=np.zeros(3))
    with pytest.raises(ValueError, match="cannot be read"):
        read_npz(tmp_path / "flat.npz")
    np.savez(tmp_path / "short.npz", x=np.zeros((3, 1)), y=np.zeros(2))
    with pytest.raises(ValueError, match=r"must hold x \(rows, inputs\) and y \(rows\), got \(3, 1\) and \(2,\)"):
        read_npz(tmp_path / "short.npz")
    with pytest.raises(ValueError, match="leave no training rows"):
        Table(tmp_path, validation=0.5, test=0.5)


def test_a_table_is_split_by_shares(tmp_path):
    path = written(tmp_path, "a,b\n" + "".join(f"{i},{i * i}\n" for i in range(50)))
    data = Table(path, validation=0.2, test=0.1).build(Context(Streams(0)))
    assert dict(data.sizes) == {"train_rows": 35, "validation_rows": 10, "test_rows": 5}
    assert data.train.names == ("a",)
    assert np.array_equal(data.test.y, data.test.x[:, 0] ** 2)


def test_what_is_no_npz_file_is_told_so(tmp_path):
    (tmp_path / "a.npz").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"^path: a\.npz is no NPZ file"):
        read_npz(tmp_path / "a.npz")
    with pytest.raises(ValueError, match=r"cannot be read: .*No such file"):
        read_npz(tmp_path / "b.npz")
