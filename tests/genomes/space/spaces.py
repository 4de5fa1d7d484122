"""Spaces for tests: one with everything, and random ones."""

from hypothesis import strategies as st

from evokit import Choice, Float, Int, Order, Space, Subset

EVERYTHING = Space(
    {
        "optimizer": Choice(["adam", "sgd", "none"]),
        "lr": Float(1e-5, 1, log=True),
        "momentum": Float(0, 1, step=0.1, when={"optimizer": "sgd"}),
        "warm": Float(0, 1, when={"optimizer": {"not": "none"}, "momentum": {"above": 0.3, "at_most": 0.9}}),
        "network": {
            "when": [{"optimizer": "adam"}, {"optimizer": "sgd", "lr": {"below": 0.1}}],
            "layers": Int(1, 8),
            "units": Int(8, 512, log=True, length=2, when={"layers": {"at_least": 3}}),
        },
        "size": Choice(["s", "m", "l"], ordered=True),
        "parts": Subset(["a", "b", "c", "d"], at_most=2, at_least=1),
        "order": Order([1, 2, 3, 4]),
        "shape": Choice([[64, 64], [128]]),
        "epochs": 10,
    },
    forbidden=({"size": "l", "lr": {"above": 0.01}}, {"optimizer": "none", "size": ["s", "m"]}),
)
NUMBERS = Space(
    {
        "x": Float(0.01, 10, log=True),
        "steps": Float(0, 1, step=0.25),
        "n": Int(1, 9),
        "units": Int(1, 100, log=True, length=2),
        "size": Choice(["s", "m", "l"], ordered=True),
        "constant": 3,
    }
)


@st.composite
def parameters(draw, names=()):
    """One parameter; of ``names``, choices between ``a`` and ``b``, one may be what it depends on."""
    low = draw(st.integers(-5, 5))
    log = draw(st.booleans())
    low, high = (abs(low) + 1, abs(low) + 9) if log else (low, low + draw(st.integers(1, 9)))
    options = list(range(draw(st.integers(2, 5))))
    most = draw(st.integers(0, len(options)))
    how = {"length": draw(st.sampled_from([None, None, 2]))}
    if names and draw(st.booleans()):
        how["when"] = {draw(st.sampled_from(names)): draw(st.sampled_from(["a", "b", ["a", "b"]]))}
    return draw(
        st.sampled_from(
            [
                Float(low, high, log, **how),
                Float(low, high, step=0.7, **how),
                Int(low, high, log, **how),
                Choice(options, ordered=log, **how),
                Subset(options, at_most=most, at_least=draw(st.integers(0, most)), **how),
                Order(options, **how),
            ]
        )
    )


@st.composite
def spaces(draw):
    """A space with conditions and perhaps something forbidden."""
    names = ["p", "q"]
    some = {
        "p": Choice(["a", "b"]),
        "q": Choice(["a", "b"], when={"p": "a"} if draw(st.booleans()) else None),
        **{f"x{place}": draw(parameters(names)) for place in range(draw(st.integers(0, 4)))},
        "some": Subset(["a", "b", "c"]),
        "z": Float(0, 1, when={"some": {"has": draw(st.sampled_from(["a", ["b", "c"]]))}}),
        "group": {"y": draw(parameters(names)), **({"when": {"q": "b"}} if draw(st.booleans()) else {})},
    }
    forbidden = ({"p": "b"},) if draw(st.booleans()) else ()
    return Space(some, forbidden)
