"""The operations of update rules on lists of tensors: one flat vector in the search, the parameters in an export.

Element by element, so that the split of a vector into tensors changes no bit, but for norms and matrix products.
Exports copy the sources of these functions.
"""

from __future__ import annotations

import torch
from torch import Tensor


def average_(average: list[Tensor], values: list[Tensor], beta: float) -> None:
    """``average = beta average + (1 - beta) values``."""
    torch._foreach_mul_(average, beta)
    torch._foreach_add_(average, values, alpha=1 - beta)


def average_square_(average: list[Tensor], values: list[Tensor], beta: float) -> None:
    """``average = beta average + (1 - beta) values**2``."""
    torch._foreach_mul_(average, beta)
    torch._foreach_addcmul_(average, values, values, value=1 - beta)


def average_rows_(rows: list[Tensor], gradients: list[Tensor], beta: float) -> None:
    """``rows = beta rows + (1 - beta) mean of gradients**2 in each row``."""
    for row, gradient in zip(rows, gradients, strict=True):
        square = gradient * gradient
        mean = square.reshape(len(square), -1).mean(1) if gradient.ndim > 1 else square
        row.mul_(beta).add_(mean, alpha=1 - beta)


def average_columns_(columns: list[Tensor], gradients: list[Tensor], beta: float) -> None:
    """``columns = beta columns + (1 - beta) mean of gradients**2 in each column``, of matrices."""
    for column, gradient in zip(columns, gradients, strict=True):
        if gradient.ndim > 1:
            mean = (gradient * gradient).reshape(len(gradient), -1).mean(0)
            column.mul_(beta).add_(mean, alpha=1 - beta)


def average_pairs_(left: list[Tensor], right: list[Tensor], gradients: list[Tensor], beta: float) -> None:
    """``left = beta left + (1 - beta) g g^T`` and ``right`` likewise of ``g^T g``, of matrices ``g``."""
    for rows, columns, gradient in zip(left, right, gradients, strict=True):
        if gradient.ndim > 1:
            matrix = gradient.reshape(len(gradient), -1)
            if len(rows):
                rows.mul_(beta).addmm_(matrix, matrix.T, alpha=1 - beta)
            if len(columns):
                columns.mul_(beta).addmm_(matrix.T, matrix, alpha=1 - beta)


def eigenvectors_(bases: list[Tensor], pairs: list[Tensor], k: int) -> None:
    """Of each symmetric matrix, as columns, in the first ten steps ``k`` and each tenth; else they stay.

    In the first steps gradients leave directions open, in which eigenvectors are whatever the library makes them. Of a
    matrix with numbers that are not finite they are another's, so that a training that diverges goes on to where that
    is found. Below float32 torch has none: there they are float32's, rounded.
    """
    for basis, one in zip(bases, pairs, strict=True):
        if len(one) and (k <= 10 or k % 10 == 0):
            finite = torch.nan_to_num(one, 0.0, 0.0, 0.0).to(torch.promote_types(one.dtype, torch.float32))
            basis.copy_(torch.linalg.eigh(finite)[1])


def turned(out: list[Tensor], values: list[Tensor], left: list[Tensor], right: list[Tensor]) -> None:
    """``left^T value right`` of matrices; a basis without numbers turns nothing, and vectors stay as they are."""
    for one, value, rows, columns in zip(out, values, left, right, strict=True):
        if value.ndim > 1:
            matrix = value.reshape(len(value), -1)
            matrix = rows.T @ matrix if len(rows) else matrix
            one.copy_((matrix @ columns if len(columns) else matrix).view(value.shape))
        else:
            one.copy_(value)


def turned_ratio(
    out: list[Tensor],
    values: list[Tensor],
    left: list[Tensor],
    right: list[Tensor],
    roots: list[Tensor],
) -> None:
    """``values / roots`` among the ``left`` and ``right`` eigenvectors, turned back.

    Source: Vyas et al. 2024, "SOAP: Improving and Stabilizing Shampoo using Adam", algorithm 3 with
    eigenvectors in place of their power iteration, of averages that have taken in the step's gradient.
    """
    turned(out, values, left, right)
    torch._foreach_div_(out, roots)
    turned(out, out, [one.T for one in left], [one.T for one in right])


def corrected(out: list[Tensor], average: list[Tensor], correction: float) -> None:
    """The average of gradients alone, without its start at zero."""
    torch._foreach_copy_(out, average)
    torch._foreach_div_(out, correction)


def root(out: list[Tensor], square: list[Tensor], correction: float, eps: float) -> None:
    """``sqrt(square / correction) + eps``."""
    torch._foreach_copy_(out, square)
    if correction != 1:
        torch._foreach_div_(out, correction)
    torch._foreach_sqrt_(out)
    torch._foreach_add_(out, eps)


def factored_root(out: list[Tensor], rows: list[Tensor], columns: list[Tensor], correction: float, eps: float) -> None:
    """``sqrt(rows columns / mean(rows) / correction) + eps``; of vectors ``root`` of their elements.

    Source: Shazeer and Stern 2018, "Adafactor", algorithm 2, with means in place of sums, which is the same.
    """
    for one, row, column in zip(out, rows, columns, strict=True):
        if one.ndim > 1:
            share = row / row.mean().clamp_(min=torch.finfo(row.dtype).tiny)
            one.copy_(torch.outer(share, column).view(one.shape))
        else:
            one.copy_(row)
    root(out, out, correction, eps)


def row_root(out: list[Tensor], rows: list[Tensor], correction: float, eps: float) -> None:
    """``sqrt(rows / correction) + eps``, the same for all elements of a row; of vectors ``root`` of their elements.

    Source: Zhang et al. 2024, "Adam-mini", algorithm 1, with output units as blocks.
    """
    for one, row in zip(out, rows, strict=True):
        one.copy_(row.view(row.shape + (1,) * (one.ndim - row.ndim)))
    root(out, out, correction, eps)


def clip_value(out: list[Tensor], gradient: list[Tensor], size: float) -> None:
    """Each element, cut to ``-size..size``."""
    torch._foreach_copy_(out, gradient)
    torch._foreach_clamp_min_(out, -size)
    torch._foreach_clamp_max_(out, size)


def total_norm(gradients: list[Tensor]) -> Tensor:
    """The norm over all ``gradients``. Not read by the host."""
    norms = [torch.linalg.vector_norm(gradient) for gradient in gradients]
    total: Tensor = torch.linalg.vector_norm(torch.stack([norm.to(norms[0].device) for norm in norms]))
    return total


def norm_factor(norm: Tensor, size: float) -> Tensor:
    """What brings a ``norm`` down to ``size``; at most 1."""
    return torch.clamp(size / (norm + 1e-6), max=1.0)


def scaled(out: list[Tensor], values: list[Tensor], factor: float | Tensor) -> None:
    """``factor values``."""
    torch._foreach_copy_(out, values)
    torch._foreach_mul_(out, factor)


def same(out: list[Tensor], values: list[Tensor]) -> None:
    """The values themselves."""
    torch._foreach_copy_(out, values)


def centralise_(gradients: list[Tensor]) -> None:
    """Take from each row of a matrix, or kernel of an output channel, its mean.

    Source: Yong et al. 2020, "Gradient Centralization", eq. 1.
    """
    for gradient in gradients:
        if gradient.ndim > 1:
            gradient.sub_(gradient.mean(dim=list(range(1, gradient.ndim)), keepdim=True))


def mask_(steps: list[Tensor], gradients: list[Tensor]) -> None:
    """Set to 0 what does not go down the gradient, and stretch each tensor's rest by the share that was left out.

    Source: Liang et al. 2024, "Cautious Optimizers", algorithm 1, with the bound of its code.
    """
    for step, gradient in zip(steps, gradients, strict=True):
        mask = (step * gradient > 0).to(step.dtype)
        step.mul_(mask.div_(mask.mean().clamp_(min=1e-3)))


def trust_(steps: list[Tensor], parameters: list[Tensor]) -> None:
    """Make each step as long as its tensor; where one of them is 0 it stays.

    Source: You et al. 2020, "Large Batch Optimization for Deep Learning", LAMB, algorithm 2.
    """
    for step, parameter in zip(steps, parameters, strict=True):
        length, size = torch.linalg.vector_norm(step), torch.linalg.vector_norm(parameter)
        step.mul_(torch.where((length > 0) & (size > 0), size / length, torch.ones_like(size)))


def ratio(out: list[Tensor], values: list[Tensor], roots: list[Tensor]) -> None:
    """``values / roots``."""
    torch._foreach_copy_(out, values)
    torch._foreach_div_(out, roots)


def sign(out: list[Tensor], values: list[Tensor]) -> None:
    """-1, 0 or 1."""
    torch._foreach_copy_(out, values)
    torch._foreach_sign_(out)


def mix(out: list[Tensor], gradient: list[Tensor], momentum: list[Tensor], beta: float, scratch: list[Tensor]) -> None:
    """``beta momentum + (1 - beta) gradient``."""
    torch._foreach_copy_(scratch, gradient)
    torch._foreach_mul_(scratch, 1 - beta)
    torch._foreach_copy_(out, momentum)
    torch._foreach_mul_(out, beta)
    torch._foreach_add_(out, scratch)


def ratio_of_mix(
    out: list[Tensor],
    gradient: list[Tensor],
    momentum: list[Tensor],
    beta: float,
    scratch: list[Tensor],
    roots: list[Tensor],
) -> None:
    """``(beta momentum + (1 - beta) gradient) / roots``. Source: Dozat 2016, "Incorporating Nesterov Momentum"."""
    mix(out, gradient, momentum, beta, scratch)
    torch._foreach_div_(out, roots)


def turned_ratio_of_mix(
    out: list[Tensor],
    gradient: list[Tensor],
    momentum: list[Tensor],
    beta: float,
    scratch: list[Tensor],
    left: list[Tensor],
    right: list[Tensor],
    roots: list[Tensor],
) -> None:
    """``beta momentum + (1 - beta) gradient``, over ``roots`` among the eigenvectors, as in ``turned_ratio``."""
    mix(out, gradient, momentum, beta, scratch)
    turned_ratio(out, out, left, right, roots)


def sign_of_mix(
    out: list[Tensor], gradient: list[Tensor], momentum: list[Tensor], beta: float, scratch: list[Tensor]
) -> None:
    """``sign(beta momentum + (1 - beta) gradient)``. Source: Chen et al. 2023, "Symbolic Discovery", Lion."""
    mix(out, gradient, momentum, beta, scratch)
    torch._foreach_sign_(out)


def compensated_sign(out: list[Tensor], gradient: list[Tensor], error: list[Tensor], scratch: list[Tensor]) -> None:
    """The signs of ``gradient + error``, each tensor's times the mean size of its elements.

    Source: Karimireddy et al. 2019, "Error Feedback Fixes SignSGD", algorithm 1, with the error as a gradient.
    """
    torch._foreach_copy_(scratch, gradient)
    torch._foreach_add_(scratch, error)
    for one, total in zip(out, scratch, strict=True):
        torch.sign(total, out=one).mul_(total.abs_().mean())


def leave_error_(error: list[Tensor], gradient: list[Tensor]) -> None:
    """What ``compensated_sign`` leaves out of ``gradient + error``."""
    torch._foreach_add_(error, gradient)
    for one in error:
        one.sub_(torch.sign(one).mul_(one.abs().mean()))


def difference(out: list[Tensor], values: list[Tensor], before: list[Tensor]) -> None:
    """``values - before``."""
    torch._foreach_copy_(out, values)
    torch._foreach_sub_(out, before)


def normed(out: list[Tensor], gradient: list[Tensor], eps: float) -> None:
    """Each tensor over its own norm."""
    for one, tensor in zip(out, gradient, strict=True):
        torch.div(tensor, torch.linalg.vector_norm(tensor) + eps, out=one)


def orthogonal(out: list[Tensor], momentum: list[Tensor], ns_steps: int = 5) -> None:
    """Matrices with their singular values near 1, times ``sqrt(max(1, rows / columns))``; vectors as they are.

    A tensor of more dimensions is a matrix with its first dimension as rows.

    Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks".
    """
    for one, tensor in zip(out, momentum, strict=True):
        if tensor.ndim < 2:
            one.copy_(tensor)
        else:
            matrix = tensor.reshape(len(tensor), -1)
            stretch = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
            one.copy_((newton_schulz(matrix, ns_steps) * stretch).view_as(tensor))


def orthogonal_mix(
    out: list[Tensor],
    gradient: list[Tensor],
    momentum: list[Tensor],
    beta: float,
    scratch: list[Tensor],
    ns_steps: int = 5,
) -> None:
    """``orthogonal(beta momentum + (1 - beta) gradient)``, as in Muon with Nesterov's momentum."""
    mix(out, gradient, momentum, beta, scratch)
    orthogonal(out, out, ns_steps)


def newton_schulz(matrix: Tensor, n_steps: int = 5, eps: float = 1e-7) -> Tensor:
    """Push the singular values of a matrix towards 1, into 0.7..1.2, by a polynomial of degree five."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x: Tensor = (matrix.T if tall else matrix) / (torch.linalg.vector_norm(matrix) + eps)
    for _ in range(n_steps):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
