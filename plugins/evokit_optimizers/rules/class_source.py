"""The class of an exported optimizer as source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import fill

from evokit_optimizers.rules.groups import Group
from evokit_optimizers.rules.parts import by_group
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.show import show_rule
from evokit_optimizers.rules.terms import PER_TENSOR
from evokit_optimizers.rules.update_source import scheduled, update_source


def plain_class(rule: Rule, name: str, measured: Sequence[str]) -> str:
    """The class ``name`` of a rule without parts; ``measured`` is said in its docstring."""
    options = {**_settings(rule), **_TOTAL_STEPS} if _timed(rule) else _settings(rule)
    arguments = "\n".join(f"        {key}: {explanation}" for key, (_, _, explanation) in options.items())
    signature = "\n".join(f"        {key}: {kind} = {default}," for key, (kind, default, _) in options.items())
    defaults = "\n".join(f'            "{key}": {key},' for key in options)
    defaults += '\n            "evaluating": False,' if rule.averaging else ""
    norm = ""
    if rule.clipping == "norm":
        call = 'norm_factor(total_norm(gradients), self.defaults["clip_size"])'
        norm = f"        factor = {call} if gradients else torch.ones(())\n"
    state = "".join(f'\n                    state["{buffer}"] = {_zeros(buffer)}' for buffer in _buffers(rule))
    state += '\n                    state["slow_weights"] = p.clone()' if rule.lookahead else ""
    factor, parameter = (", factor", ", factor: Tensor") if norm else ("", "")
    return f'''class {name}(torch.optim.Optimizer):
    """In step k, for parameters p with gradient g:

{_formula(rule)}
{_measured(measured)}
    Args:
        params: Parameters or parameter groups.
{arguments}
    """

    def __init__(
        self,
        params: Any,
{signature}
    ) -> None:
        defaults = {{
{defaults}
        }}
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters. Raises ``ValueError``: a setting is out of its range."""
        refuse_unsound({{**self.defaults, **param_group}})
        super().add_param_group(param_group)

{_step(name, norm, "", state, f"self._update(group, of_age, k{factor})", bool(rule.averaging))}

{_method("_update", parameter, update_source(rule))}
{_EMPTY if rule.terms else ""}'''.rstrip()


def grouped_class(rule: Rule, name: str, measured: Sequence[str]) -> str:
    """As ``plain_class``, of a rule with parts, after the settings of each group, which are constants of the module."""
    rules = by_group(rule)
    bodies = {group: update_source(part) for group, part in rules.items()}
    methods: dict[str, str] = {}
    for group, body in bodies.items():
        methods.setdefault(body, f"_update_{group}")
    clipped = [group for group, part in rules.items() if part.clipping == "norm"]
    factor, parameter = (", factor", ", factor: Tensor") if clipped else ("", "")
    timed, averaged = any(map(_timed, rules.values())), any(part.averaging for part in rules.values())
    signature = ", total_steps: int | None = None" if timed else ""
    defaults = [*(['"total_steps": total_steps'] if timed else []), *(['"evaluating": False'] if averaged else [])]
    explanation = f"\n        total_steps: {_TOTAL_STEPS['total_steps'][2]}" if timed else ""
    norm = factors = ""
    if clipped:
        norm = "        norm = total_norm(gradients) if gradients else torch.zeros(())\n"
        factors = "            factor = torch.ones(())\n            " + (
            f'if group["group"] in {_words(clipped)}:\n                factor = norm_factor(norm, group["clip_size"])\n'
        )
    zeros = "torch.zeros_like(p)"
    if any(PER_TENSOR & set(part.buffers) for part in rules.values()):
        zeros = "p.new_zeros(state_shape(buffer, p.shape))"
    state = f"""
                    for buffer in BUFFERS[group["group"]]:
                        state[buffer] = {zeros}"""
    if ahead := [group for group, part in rules.items() if part.lookahead]:
        state += f"""
                    if group["group"] in {_words(ahead)}:
                        state["slow_weights"] = p.clone()"""
    update = f'getattr(self, UPDATES[group["group"]])(group, of_age, k{factor})'
    buffers = {group: _words(_buffers(part)) for group, part in rules.items()}
    updates = {group: f'"{methods[body]}"' for group, body in bodies.items()}
    return f'''{_settings_source(rules)}
{_mapping("BUFFERS", "tuple[str, ...]", buffers)}
{_mapping("UPDATES", "str", updates)}


class {name}(torch.optim.Optimizer):
    """In step k, for parameters p with gradient g, in each group of parameters:

{_formula(rule)}
{_measured(measured)}
    Args:
        params: Parameter groups with a ``group`` each, as ``parameter_groups(module)`` makes them. What else they say
            stands in for the group's ``SETTINGS``.{explanation}

    Raises:
        ValueError: Parameters do not say which group they are, or a setting is out of its range.
    """

    def __init__(self, params: Any{signature}) -> None:
        super().__init__(params, {{{", ".join(defaults)}}})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with the settings of their group.

        Raises:
            ValueError: They do not say which, or a setting is out of its range.
        """
        if param_group.get("group") not in SETTINGS:
            found = f"got {{param_group.get('group')!r}}"
            raise ValueError(f"group must be one of {{', '.join(SETTINGS)}}, {{found}}; parameter_groups says it")
        settings = {{**SETTINGS[param_group["group"]], **param_group}}
        refuse_unsound({{**self.defaults, **settings}})
        super().add_param_group(settings)

{_step(name, norm, factors, state, update, averaged)}

{(chr(10) * 2).join(_method(method, parameter, body) for body, method in methods.items())}
{_EMPTY if any(part.terms for part in rules.values()) else ""}'''.rstrip()


_Options = dict[str, tuple[str, str, str]]
_TOTAL_STEPS: _Options = {
    "total_steps": (
        "int | None",
        "None",
        "Steps of what is built in for their number; None leaves it out, for a scheduler of your own.",
    )
}


def _timed(rule: Rule) -> bool:
    """Whether it must know the number of steps."""
    return scheduled(rule) or bool(rule.averaging)


def _buffers(rule: Rule) -> list[str]:
    return [*rule.buffers, *(["mean"] if rule.averaging else [])]


def _zeros(buffer: str) -> str:
    return f'p.new_zeros(state_shape("{buffer}", p.shape))' if buffer in PER_TENSOR else "torch.zeros_like(p)"


def _settings(rule: Rule) -> _Options:
    """Argument to type, default, and explanation."""
    used = rule.used
    options: _Options = {"lr": ("float", repr(rule.lr), "Learning rate.")}
    if used & {"beta1", "beta2"}:
        options["betas"] = ("tuple[float, float]", repr((rule.beta1, rule.beta2)), "Of momentum and second moment.")
    if "beta3" in used:
        options["beta3"] = ("float", repr(rule.beta3), "Of the long momentum.")
    if "eps" in used:
        options["eps"] = ("float", repr(rule.eps), "Keeps quotients finite.")
    kind = "shrinks parameters by ``lr * weight_decay``" if rule.decoupled else "added to the gradient (L2)"
    kind = "added to the step, before it has its length" if rule.decoupled and rule.trust_ratio else kind
    options["weight_decay"] = ("float", repr(rule.weight_decay), f"{kind[0].upper()}{kind[1:]}.")
    if rule.clipping != "none":
        what = "of each element" if rule.clipping == "value" else "of the norm over all parameters of all groups"
        options["clip_size"] = ("float", repr(rule.clip_size), f"Largest size {what} of the gradient.")
    if "ns_steps" in used:
        options["ns_steps"] = ("int", repr(rule.ns_steps), "Newton and Schulz's, that make a matrix orthogonal.")
    return options


def _settings_source(rules: dict[Group, Rule]) -> str:
    lines = ["SETTINGS: dict[str, dict[str, Any]] = {"]
    for group, part in rules.items():
        lines += [
            f'    "{group}": {{',
            *(f'        "{key}": {one[1]},' for key, one in _settings(part).items()),
            "    },",
        ]
    return "\n".join([*lines, "}"])


def _mapping(name: str, kind: str, values: dict[Group, str]) -> str:
    return "\n".join(
        [f"{name}: dict[str, {kind}] = {{", *(f'    "{key}": {value},' for key, value in values.items()), "}"]
    )


def _words(words: Iterable[str]) -> str:
    """A tuple of texts."""
    texts = [f'"{word}"' for word in words]
    return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"


def _formula(rule: Rule) -> str:
    return _indented(show_rule(rule).splitlines())


def _measured(lines: Sequence[str]) -> str:
    """A section of a docstring, whose words can end neither a line nor the text."""
    if not lines:
        return ""
    words = [" ".join(line.split()).replace("\\", "/").replace('"', "'") for line in lines]
    return f"\n    Measured:\n{_indented(words)}\n"


def _indented(texts: Iterable[str]) -> str:
    lines = []
    for line in texts:
        margin = " " * (8 + len(line) - len(line.lstrip()))
        lines.append(fill(line.strip(), 118, initial_indent=margin, subsequent_indent=margin + " " * 4))
    return "\n".join(lines)


_SWAPPING = '''
    def eval(self) -> None:
        """Put averaged weights in the place of those that are trained, until ``train``."""
        self._swap(True)

    def train(self) -> None:
        """Put the weights that are trained in place again."""
        self._swap(False)

    @torch.no_grad()
    def _swap(self, evaluating: bool) -> None:
        for group in self.param_groups:
            if group["evaluating"] == evaluating or group["total_steps"] is None:
                continue
            group["evaluating"] = evaluating
            for p in group["params"]:
                if "mean" in self.state.get(p, {}):
                    trained = p.clone()
                    p.copy_(self.state[p]["mean"])
                    self.state[p]["mean"].copy_(trained)
'''


def _step(name: str, before: str, each: str, state: str, update: str, averaged: bool) -> str:
    """The method ``step``, after ``eval`` and ``train`` where weights are averaged.

    Args:
        name: Of the class.
        before: Lines before the loop over groups.
        each: Lines at the head of each turn.
        state: Lines that begin a parameter's state.
        update: The call that moves parameters ``of_age`` in their step ``k``.
        averaged: Whether weights are averaged.
    """
    refuse = (
        '        if any(group["evaluating"] for group in self.param_groups):\n'
        '            raise RuntimeError("these are averaged weights; call train() before step()")\n'
    )
    refuse = refuse if averaged else ""
    swapping = _SWAPPING.lstrip("\n") + "\n" if averaged else ""
    return f'''{swapping}    @torch.compiler.disable  # type: ignore  # compiled, it would be so anew in each step
    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; returns what ``closure`` returns. Raises ``RuntimeError``: a gradient is sparse."""
{refuse}        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        gradients = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        if any(gradient.layout != torch.strided for gradient in gradients):
            raise RuntimeError("{name} needs dense gradients; make embeddings with sparse=False")
{before}        for group in self.param_groups:
{each}            group["step"] = group.get("step", 0) + 1
            ages: dict[int, list[Tensor]] = {{}}  # parameters that were left out of steps are younger than others
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["step"] = 0{state}
                state["step"] += 1
                ages.setdefault(state["step"], []).append(p)
            for k, of_age in ages.items():
                {update}
        return loss'''


def _method(name: str, parameter: str, body: str) -> str:
    return f"""    def {name}(self, group: dict[str, Any], parameters: list[Tensor], k: int{parameter}) -> None:
{body}"""


_EMPTY = '''
    def _empty(self, name: str, parameters: list[Tensor]) -> list[Tensor]:
        """Memory to overwrite, like the parameters; reused on the CPU, where making it takes longer than using it."""
        if parameters[0].device.type != "cpu":
            return [torch.empty_like(p) for p in parameters]
        memory = self.__dict__.setdefault("_memory", {})  # a copied or unpickled optimizer starts without
        for p in parameters:
            if (name, p) not in memory:
                memory[name, p] = torch.empty_like(p)
        return [memory[name, p] for p in parameters]
'''
