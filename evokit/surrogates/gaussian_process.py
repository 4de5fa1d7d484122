"""A Gaussian process as a surrogate."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge

from evokit.common.cores import set_threads
from evokit.interfaces import Context
from evokit.options import Count
from evokit.surrogates.features import check_points, features_of

FAR = 3.0  # interquartile ranges, by Tukey's outer fence, here twice the distance of the lower quartile to the median
NOISE = (1e-6, 1.0)  # bounds of its variance, of values that have variance 1
STEPS = 30  # of a descent; where a length has no best value it would creep on for thousands
LENGTHS = (1e-2, 1e2)  # bounds of length scales, of features that have variance 1 (all together where they share one)


class GaussianProcessSurrogate:
    """Matérn's kernel of smoothness 5/2 and noise, on features and values of mean 0 and variance 1.

    Its size, lengths and noise are those of the highest marginal likelihood that descents find. Values so bad that they
    lie beyond ``FAR`` above the median count as lying there: a penalty, unless half of all have it, tells nothing about
    what is good, and would flatten all else.

    Args:
        features: Of encodings ``(n, n_features)``.
        options: What the recipe says.
        threads: Of linear algebra, part of the result.
    """

    spreads = True

    def __init__(self, features: Callable[[np.ndarray], np.ndarray], options: GaussianProcess, threads: int) -> None:
        self._features, self._options, self._threads = features, options, threads
        self._model: Any = None

    def fit(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> None:
        """Fit to ``(n, n_features)`` encodings and ``(n,)`` values in the order of measurement. One draw seeds it.

        Raises:
            ValueError: Fewer than two measurements.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        check_points(X, y)
        set_threads(self._threads)  # of what the imports brought
        table = self._features(X[-self._options.window :]).astype(np.float64)
        y = np.asarray(y[-self._options.window :], np.float64)
        low, middle = np.quantile(y, [0.25, 0.5])  # of the better half, in which penalties are not
        y = np.minimum(y, middle + FAR * 2 * (middle - low)) if middle > low else y
        n = table.shape[1]
        size = n**0.5  # the distance of points whose coordinates have variance 1 grows so
        length = np.ones(n) if self._options.length_scales == "each" else size
        bounds = LENGTHS if self._options.length_scales == "each" else (LENGTHS[0] * size, LENGTHS[1] * size)
        kernel = ConstantKernel(1.0, (1e-2, 1e3)) * Matern(length, bounds, nu=2.5) + WhiteKernel(1e-3, NOISE)
        process = GaussianProcessRegressor(
            kernel,
            normalize_y=True,
            optimizer=_climbed,
            n_restarts_optimizer=self._options.descents - 1,
            random_state=int(rng.integers(2**31)),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a length at its bound says that a feature is idle
            self._model = make_pipeline(StandardScaler(), process).fit(table, y)

    def predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and spread of a measurement, ``(n,)`` float64 each. Raises ``RuntimeError`` before ``fit``."""
        if self._model is None:
            raise RuntimeError("fit comes before predict")
        mean, spread = self._model.predict(self._features(X).astype(np.float64), return_std=True)
        return mean, spread


def _climbed(
    cost: Callable[..., Any], start: np.ndarray, bounds: Sequence[tuple[float, float]]
) -> tuple[np.ndarray, float]:
    """The logarithms of a kernel's numbers where the likelihood is highest, and its negative logarithm there."""
    from scipy.optimize import minimize

    found = minimize(cost, start, method="L-BFGS-B", jac=True, bounds=bounds, options={"maxiter": STEPS})
    return found.x, float(found.fun)


@dataclass(frozen=True)
class GaussianProcess:
    """A Gaussian process on the last ``window`` measurements; a fit takes time with the cube of their number.

    ``length_scales``: ``one`` for all features, or ``each`` its own, which learns what matters and takes longer the
    more there are. ``descents``: how often the likelihood is climbed, first from the default and then from random
    starts. Fits every genome whose genes have features.

    Source: Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning", chapters 2, 4 and 5.
    """

    window: Annotated[int, Ge(2)] = 300
    length_scales: Literal["one", "each"] = "one"
    descents: Count = 1
    genes: ClassVar[frozenset[str]] = frozenset()  # any kind

    def build(self, context: Context) -> GaussianProcessSurrogate:
        return GaussianProcessSurrogate(features_of(context.genome), self, context.threads)
