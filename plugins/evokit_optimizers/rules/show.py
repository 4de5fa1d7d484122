"""A rule as the formula of its update."""

from __future__ import annotations

from textwrap import indent

from evokit_optimizers.rules.parts import by_group
from evokit_optimizers.rules.rule import DEFAULTS, Rule


def show_rule(rule: Rule) -> str:
    """The update, one line for each step of it, in the order in which they are done; of parts, that of each group.

    >>> from evokit_optimizers.rules.known import KNOWN
    >>> print(show_rule(KNOWN["adamw"]))
    m = 0.9 m + 0.1 g; corrected: m / (1 - 0.9^k)
    v = 0.999 v + 0.001 g^2; corrected: v / (1 - 0.999^k)
    p = p (1 - 0.01 lr)
    p = p - lr (m / (sqrt(v) + eps))
    lr = 0.001, eps = 1e-08
    """
    if not rule.parts:
        return _show_part(rule)
    groups: dict[str, list[str]] = {}
    for group, part in by_group(rule).items():
        groups.setdefault(_show_part(part), []).append(group)
    return "\n".join(f"{', '.join(names)}:\n{indent(text, '  ')}" for text, names in groups.items())


def _show_part(rule: Rule) -> str:
    lines = [*_gradient_lines(rule), *_moment_lines(rule)]
    if rule.decoupled and rule.weight_decay and not rule.trust_ratio:
        lines.append(f"p = p (1 - {rule.weight_decay:.4g} lr)")
    lines += _step_lines(rule) if rule.terms else []
    if rule.lookahead:
        size = f"{rule.lookahead_step:.4g}"
        lines.append(f"after every {rule.lookahead} steps: q = q + {size} (p - q), p = q; q begins as p")
    lines += _numbers(rule)
    return "\n".join(lines)


def _gradient_lines(rule: Rule) -> list[str]:
    lines = []
    if rule.clipping == "value":
        lines.append(f"g = g clipped to -{rule.clip_size:.4g}..{rule.clip_size:.4g}")
    if rule.clipping == "norm":
        lines.append(f"g = g min(1, {rule.clip_size:.4g} / norm of all g)")
    if rule.centralised:
        lines.append("g = g - its mean over each output unit")
    if not rule.decoupled and rule.weight_decay:
        lines.append(f"g = g + {rule.weight_decay:.4g} p")
    return lines


def _moment_lines(rule: Rule) -> list[str]:
    averages = {
        "average": ("m", "g", rule.beta1),
        "square": ("v", "g^2", rule.beta2),
        "slow": ("s", "g", rule.beta2),
        "long": ("n", "g", rule.beta3),
        "rows": ("r", "(mean of g^2 in each row; of vectors g^2)", rule.beta2),
        "columns": ("c", "(mean of g^2 in each column; of vectors in all)", rule.beta2),
        "left": ("L", "g g^T", rule.beta2),
        "right": ("R", "g^T g", rule.beta2),
        "turned_square": ("w", "(U^T g V)^2", rule.beta2),
    }
    lines = []
    for buffer in [name for name in averages if name in rule.buffers]:
        letter, values, beta = averages[buffer]
        line = f"{letter} = {beta:.6g} {letter} + {1 - beta:.6g} {values}"
        if buffer == "slow":
            line += ", after the step"
        elif buffer == "right":
            line += "; U and V: eigenvectors of L and R each tenth step, of sides up to 256"
        elif rule.bias_correction and buffer not in ("long", "left"):
            line += f"; corrected: {letter} / (1 - {beta:.6g}^k)"
        lines.append(line)
    if "error" in rule.buffers:
        lines.append("e = g + e - mean(abs(g + e)) sign(g + e), tensor by tensor, after the step")
    return lines


def _step_lines(rule: Rule) -> list[str]:
    if not (rule.cautious or rule.trust_ratio):
        return [f"p = p - lr ({_sum(rule)})"]
    lines = [f"u = {_sum(rule)}"]
    if rule.cautious:
        lines.append("u = u where u g > 0, else 0; over the share that is left in its tensor")
    if rule.trust_ratio:
        lines += [f"u = u + {rule.weight_decay:.4g} p"] if rule.decoupled and rule.weight_decay else []
        lines.append("u = u norm(p) / norm(u), tensor by tensor")
    return [*lines, "p = p - lr u"]


def _sum(rule: Rule) -> str:
    text = ""
    for i, (term, (_, weight)) in enumerate(zip(rule.declared(), rule.terms, strict=True)):
        sign = "-" if weight < 0 else "+"
        factor = "" if abs(weight) == 1 else f"{abs(weight):.4g} "
        text += f" {sign} {factor}{term.formula}" if i else f"{'-' if weight < 0 else ''}{factor}{term.formula}"
    return text


def _numbers(rule: Rule) -> list[str]:
    values = [f"lr = {rule.lr:.4g}"]
    if any("beta1" in term.needs for term in rule.declared()):
        values.append(f"beta1 = {rule.beta1:.6g}")
    if "eps" in rule.used:
        values.append(f"eps = {rule.eps:.4g}")
    lines = [", ".join(values)]
    if "ns_steps" in rule.used and rule.ns_steps != DEFAULTS["ns_steps"]:
        lines.append(f"orthogonal by {rule.ns_steps} steps of Newton and Schulz in place of {DEFAULTS['ns_steps']}")
    if rule.warmup:
        lines.append(f"lr rises over the first {rule.warmup:.3g} of the steps")
    if rule.decay != "none":
        lines.append(f"lr falls to 0 by {rule.decay} decay over the last {rule.decay_span:.3g} of the steps")
    if rule.averaging:
        lines.append(f"evaluated with p averaged over about {rule.averaging:.3g} of the steps")
    return lines
