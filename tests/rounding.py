"""How far two computations of one value may lie apart, by the arithmetic and on any processor.

Processors add in different orders and widths, with or without fused multiply-adds, so a tolerance that was found by
trying holds on the machine where it was tried. Here it follows from what is computed:

- **Exact bits** are compared between two computations of one process only.
- **Both sides in float64**: short sums and formulas keep pytest's and torch's own tolerances of about 1e-7, a billion
  units in the last place. Code that can be run in float64 is, ``in_float64`` where it asks for float32 itself, so that
  this is enough for whole networks and trainings too.
- **float32 and bfloat16**: ``rounding``, by the number of roundings behind a value and the size of what was added.
- **Digits of a book**: as many as the book prints.
- **Samples**: three or more standard errors of the statistic; generators are seeded.
- **What an approximation promises**, such as an iteration's end or a window's shape: its own figure.

Source: Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, section 3.1: however n terms are added,
``|error| <= n u / (1 - n u) * sum |terms|``, u half a unit in the last place; and Higham and Mary 2019, "A New Approach
to Probabilistic Rounding Error Analysis", theorem 2.4: errors that are independent and have mean zero stay below
``lambda sqrt(n) u * sum |terms|`` but for a chance of ``2 exp(-lambda^2 / 2)``.
"""

import math
from contextlib import contextmanager

import numpy as np
import pytest
import torch

LAMBDA = 7.0  # a chance of 5e-11


def rounding(n, scale=1.0, dtype=torch.float32):
    """The most by which two computations of a sum of products differ, each with errors of its own.

    Args:
        n: Roundings on the way to one value: terms of a sum, a few for each elementary function; those of layers that
            follow each other add up.
        scale: The sum of the sizes of the terms, or an array of such; of a chain of layers the same chain with sizes in
            the place of all numbers, or the largest size on the way.
        dtype: That is computed in.

    >>> rounding(16) == 2 * 16 * 2**-24  # few terms: the bound
    True
    >>> rounding(10_000) < 1e-4  # many: what random errors stay below, 2 * 7 * 100 * 2**-24
    True
    """
    unit = torch.finfo(dtype).eps / 2
    return 2 * min(n, LAMBDA * math.sqrt(n)) * unit * scale


@contextmanager
def in_float64():
    """Whoever asks for float32 gets float64, so that a formula is checked far below its own roundings.

    Defaults of arguments and constants of modules were bound before and stay; so do tensors made outside.

    >>> with in_float64():
    ...     torch.zeros(1, dtype=torch.float32).dtype, torch.ones(1).dtype, np.dtype(np.float32)
    (torch.float64, torch.float64, dtype('float64'))
    """
    before = torch.get_default_dtype()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "float32", torch.float64)
        patch.setattr(torch.Tensor, "float", torch.Tensor.double)
        patch.setattr(np, "float32", np.float64)
        torch.set_default_dtype(torch.float64)
        try:
            yield
        finally:
            torch.set_default_dtype(before)
