import numpy as np
import pytest

from evokit.common.readonly import frozen


def test_a_frozen_array_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        frozen(np.zeros(2))[0] = 1


def test_the_callers_array_stays_writable_and_apart():
    mine = np.zeros(2)
    genes = frozen(mine)
    mine[0] = 1
    assert genes.tolist() == [0, 0]


def test_a_read_only_view_of_writable_memory_is_copied():
    mine = np.zeros(2)
    view = mine[:]
    view.flags.writeable = False
    genes = frozen(view)
    mine[0] = 1
    assert genes.tolist() == [0, 0]


def test_frozen_genes_are_not_copied_again():
    genes = frozen(np.zeros(2))
    assert frozen(genes) is genes


def test_other_genes_pass_through():
    genes = (1, 2)
    assert frozen(genes) is genes
