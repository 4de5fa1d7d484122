"""Random rules and what they do to recorded gradients."""

import math
from dataclasses import replace
from types import ModuleType

import torch
from hypothesis import strategies as st

from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.engine import FlatUpdate
from evokit_optimizers.rules.groups import GROUPS
from evokit_optimizers.rules.parts import with_parts
from evokit_optimizers.rules.rule import TRICKS, Rule
from evokit_optimizers.rules.source import optimizer_source
from evokit_optimizers.rules.terms import TERMS

SHAPES = ((5, 3), (7,), (2, 3, 2, 1), (1,))
GROUPS_OF_SHAPES = ("first", "vectors", "hidden", "vectors")
N_PARAMETERS = 15 + 7 + 12 + 1


def recorded(n_steps, dtype=torch.float64, seed=0):
    """A start and ``n_steps`` gradients of sizes from 1e-3 to 1e1, ``(n_steps, N_PARAMETERS)``."""
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(N_PARAMETERS, generator=generator, dtype=dtype)
    sizes = torch.logspace(-3, 1, N_PARAMETERS, dtype=dtype)
    drift = torch.randn(N_PARAMETERS, generator=generator, dtype=dtype)
    noise = torch.randn(n_steps, N_PARAMETERS, generator=generator, dtype=dtype)
    return start, (noise + drift) * sizes


def replayed(rule, start, gradients, n_steps=None):
    """Parameters after each step, ``(n_steps, N_PARAMETERS)``."""
    update = FlatUpdate(rule, SHAPES, n_steps or len(gradients), start.dtype, groups=GROUPS_OF_SHAPES)
    parameters, path = start.clone(), []
    for t, gradient in enumerate(gradients):
        update.step(parameters, gradient, t)
        path.append(parameters.clone())
    return torch.stack(path)


def assert_an_export_follows(rule, n_steps=6, resumed_at=3):
    """An exported file goes the way of the search, and on from its own state in a new optimizer."""
    start, gradients = recorded(n_steps, torch.float32)
    module, sizes = ModuleType("exported"), [math.prod(shape) for shape in SHAPES]
    exec(compile(optimizer_source(rule), "exported.py", "exec"), vars(module))

    def made(vector):
        pieces = zip(vector.split(sizes), SHAPES, strict=True)
        tensors = [torch.nn.Parameter(piece.view(shape).clone()) for piece, shape in pieces]
        groups = [{"params": [t], "group": group} for t, group in zip(tensors, GROUPS_OF_SHAPES, strict=True)]
        return module.EvolvedOptimizer(groups if rule.parts else tensors), tensors

    optimizer, tensors = made(start)
    for t, expected in enumerate(replayed(canonical(rule), start, gradients)):
        if t == resumed_at:
            state = optimizer.state_dict()
            optimizer, tensors = made(torch.cat([p.detach().flatten() for p in tensors]))
            optimizer.load_state_dict(state)
        for p, g in zip(tensors, gradients[t].split(sizes), strict=True):
            p.grad = g.view(p.shape).clone()
        optimizer.step()
        assert torch.equal(torch.cat([p.detach().flatten() for p in tensors]), expected)
    return optimizer


weights = st.floats(0.05, 3).flatmap(lambda size: st.sampled_from([size, -size]))
betas = st.sampled_from([0.0, 0.5, 0.9, 0.99])

_TERMS = st.lists(st.tuples(st.sampled_from(list(TERMS)), weights), max_size=6).map(tuple)
_KINDS = {
    "weight_decay": st.sampled_from([0.0, 0.01, 0.3]),
    "decoupled": st.booleans(),
    "bias_correction": st.booleans(),
    "clipping": st.sampled_from(["none", "value", "norm"]),
    "warmup": st.sampled_from([0.0, 0.3]),
    "decay": st.sampled_from(["none", "cosine", "linear"]),
    "averaging": st.sampled_from([0.0, 0.5]),
    "lookahead": st.sampled_from([0, 0, 3]),
    "lookahead_step": st.sampled_from([0.5, 0.8, 1.0]),
    "ns_steps": st.sampled_from([3, 5]),
}

rules = st.builds(
    Rule,
    terms=_TERMS,
    lr=st.floats(1e-4, 1e-1),
    beta1=betas,
    beta2=betas,
    eps=st.floats(1e-8, 1e-3),
    clip_size=st.floats(0.1, 10),
    decay_span=st.floats(0.1, 1),
    beta3=betas,
    **_KINDS,
)

# Apart, since a mask and a length are decided by rounding where a step is nearly 0.
_tricks = st.sets(st.sampled_from(TRICKS), min_size=1)
tricky_rules = st.builds(lambda rule, tricks: replace(rule, **dict.fromkeys(tricks, True)), rules, _tricks)

# Most values of a part are the base's, as in a search.
_own = st.fixed_dictionaries({}, optional={"terms": _TERMS, "lr": st.floats(1e-4, 1e-1), "beta2": betas, **_KINDS})
grouped_rules = st.builds(
    lambda base, own: with_parts(base, {group: replace(base, **values) for group, values in own.items()}),
    rules,
    st.dictionaries(st.sampled_from(GROUPS), _own, min_size=1),
)
