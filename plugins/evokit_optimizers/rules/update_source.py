"""The body of an exported optimizer's update: what ``FlatUpdate.step`` does for one rule, as lines of Python."""

from __future__ import annotations

from evokit_optimizers.rules.rule import Rule


def update_source(rule: Rule) -> str:
    """The body of ``_update``: what ``FlatUpdate.step`` does for this rule."""
    lines = [*_preparation(rule), *_moments(rule)]
    if rule.decoupled and not rule.trust_ratio:
        lines += ['if group["weight_decay"]:', '    torch._foreach_mul_(parameters, 1 - lr * group["weight_decay"])']
    if rule.terms:
        lines += [*_quantities(rule), *_sum(rule), *_step(rule)]
        lines += ["torch._foreach_mul_(delta, lr)", "torch._foreach_sub_(parameters, delta)"]
    if "slow" in rule.buffers:
        lines.append("average_(slow, gradient, beta2)")
    if "last" in rule.buffers:
        lines.append("torch._foreach_copy_(last, gradient)")
    if "error" in rule.buffers:
        lines.append("leave_error_(error, gradient)")
    if rule.lookahead:
        lines += [
            f"if k % {rule.lookahead} == 0:",
            '    slow_weights = [self.state[p]["slow_weights"] for p in parameters]',
            f"    average_(slow_weights, parameters, 1 - {rule.lookahead_step!r})",
            "    torch._foreach_copy_(parameters, slow_weights)",
        ]
    if rule.averaging:
        lines += [
            'if group["total_steps"] is not None:',
            '    mean = [self.state[p]["mean"] for p in parameters]',
            f'    average_(mean, parameters, memory(k - 1, group["total_steps"], {rule.averaging!r}))',
        ]
    return "\n".join(f"        {line}" for line in lines)


def _preparation(rule: Rule) -> list[str]:
    lines = ['lr = group["lr"]']
    if scheduled(rule):
        values = f"{rule.warmup!r}, {rule.decay!r}, {rule.decay_span!r}".replace("'", '"')
        lines += [
            'if group["total_steps"] is not None:',
            f'    lr = lr * schedule(group["step"] - 1, group["total_steps"], {values})',
        ]
    used = rule.used
    if used & {"beta1", "beta2"}:
        betas = ", ".join(name if name in used else "_" for name in ("beta1", "beta2"))
        lines.append(f'{betas} = group["betas"]')
    if "beta3" in used:
        lines.append('beta3 = group["beta3"]')
    if "eps" in rule.used:
        lines.append('eps = group["eps"]')
    if "ns_steps" in rule.used:
        lines.append('ns_steps = group["ns_steps"]')
    lines += [f'{buffer} = [self.state[p]["{buffer}"] for p in parameters]' for buffer in rule.buffers]
    if rule.terms:
        lines.append("gradient = [p.grad for p in parameters if p.grad is not None]")
        lines += _gradient(rule)
    return lines


def _gradient(rule: Rule) -> list[str]:
    lines = []
    if rule.clipping != "none":
        value = 'clip_value(clipped, gradient, group["clip_size"])'
        lines = [
            _empty("clipped"),
            value if rule.clipping == "value" else "scaled(clipped, gradient, factor)",
            "gradient = clipped",
        ]
    if rule.centralised:
        copied = [_empty("centred"), "same(centred, gradient)", "gradient = centred"]
        lines += [*(copied if rule.clipping == "none" else []), "centralise_(gradient)"]
    if not rule.decoupled:
        lines += [
            'if group["weight_decay"]:',
            f"    {_empty('decayed')}",
            '    scaled(decayed, parameters, group["weight_decay"])',
            "    torch._foreach_add_(decayed, gradient)",
            "    gradient = decayed",
        ]
    return lines


def _moments(rule: Rule) -> list[str]:
    updates = {
        "average": "average_(average, gradient, beta1)",
        "long": "average_(long, gradient, beta3)",
        "square": "average_square_(square, gradient, beta2)",
        "rows": "average_rows_(rows, gradient, beta2)",
        "columns": "average_columns_(columns, gradient, beta2)",
        "maximum": "torch._foreach_maximum_(maximum, square)",
    }
    lines = [line for buffer, line in updates.items() if buffer in rule.buffers]
    if "turned_square" in rule.buffers:
        lines += [
            "average_pairs_(left, right, gradient, beta2)",
            "eigenvectors_(left_basis, left, k)",
            "eigenvectors_(right_basis, right, k)",
            _empty("turned_rms"),
            "turned(turned_rms, gradient, left_basis, right_basis)",
            "average_square_(turned_square, turned_rms, beta2)",
        ]
    return lines


_ROOTS = (
    ("rms", "root", "square"),
    ("max_rms", "root", "maximum"),
    ("factored_rms", "factored_root", "rows, columns"),
    ("row_rms", "row_root", "rows"),
    ("turned_rms", "root", "turned_square"),
)


def _quantities(rule: Rule) -> list[str]:
    needs, lines = rule.needs, []
    if "momentum" in needs:
        corrected = [_empty("momentum"), "corrected(momentum, average, 1 - beta1**k)"]
        lines += corrected if rule.bias_correction else ["momentum = average"]
    correction = "1 - beta2**k" if rule.bias_correction else "1.0"
    for name, function, buffers in _ROOTS:
        if name in needs:
            lines += [] if name == "turned_rms" else [_empty(name)]
            lines.append(f"{function}({name}, {buffers}, {correction}, eps)")
    if "slow_momentum" in needs:
        lines.append("slow_momentum = slow")
    if "long_momentum" in needs:
        lines.append("long_momentum = long")
    if "last_gradient" in needs:
        lines.append("last_gradient = last")
    if "scratch" in needs:
        lines.append(_empty("scratch"))
    return lines


def _sum(rule: Rule) -> list[str]:
    lines = [_empty("delta")]
    if len(rule.terms) > 1:
        lines.append(_empty("term"))
    for i, (term, (name, weight)) in enumerate(zip(rule.declared(), rule.terms, strict=True)):
        out = "term" if i else "delta"
        lines += [f"# {name}", f"{term.function().__name__}({', '.join((out, *term.needs))})"]
        if weight != 1:
            lines.append(f"torch._foreach_mul_({out}, {weight!r})")
        if i:
            lines.append("torch._foreach_add_(delta, term)")
    return lines


def _step(rule: Rule) -> list[str]:
    """What is done to the sum of the terms."""
    lines = ["mask_(delta, gradient)"] if rule.cautious else []
    if rule.trust_ratio and rule.decoupled:
        lines += [
            'if group["weight_decay"]:',
            f"    {_empty('decayed')}",
            '    scaled(decayed, parameters, group["weight_decay"])',
            "    torch._foreach_add_(delta, decayed)",
        ]
    return [*lines, "trust_(delta, parameters)"] if rule.trust_ratio else lines


def _empty(name: str) -> str:
    return f'{name} = self._empty("{name}", parameters)'


def scheduled(rule: Rule) -> bool:
    """Whether its learning rate follows a schedule."""
    return bool(rule.warmup) or rule.decay != "none"
