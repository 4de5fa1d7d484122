"""The groups of a torch module's parameters. Exports copy the sources of these functions."""

from __future__ import annotations

from typing import Any

import torch


def parameter_groups(module: torch.nn.Module) -> list[dict[str, Any]]:
    """What the optimizer is made with: the module's parameters that are trained, with the ``group`` of each."""
    found: dict[str, list[torch.nn.Parameter]] = {"hidden": [], "first": [], "last": [], "vectors": []}
    parameters = dict(module.named_parameters())
    for name, group in groups_by_name(module).items():
        found[group].append(parameters[name])
    return [{"params": params, "group": group} for group, params in found.items() if params]


def groups_by_name(module: torch.nn.Module) -> dict[str, str]:
    """The group of each parameter that is trained, by its name.

    Matrices and kernels are ``last`` if they are the last one, or what ``get_output_embeddings`` of a model of
    transformers names; ``first`` if they are the first one or an embedding's; else ``hidden``. All else is a vector.
    An output that shares its weights with an embedding is ``first``. First and last go by the order in which the module
    defines its parameters, those that are not trained among them.
    """
    parameters = dict(module.named_parameters())
    kinds = (torch.nn.Embedding, torch.nn.EmbeddingBag)
    embeddings = {id(layer.weight) for layer in module.modules() if isinstance(layer, kinds)}
    matrices = [one for _, one in module.named_parameters(remove_duplicate=False) if one.ndim > 1]
    head: Any = getattr(module, "get_output_embeddings", lambda: None)()
    outputs = {id(one) for one in (head.parameters() if head is not None else matrices[-1:])}
    groups = {}
    for name, one in parameters.items():
        if not one.requires_grad:
            continue
        if one.ndim < 2:
            groups[name] = "vectors"
        elif id(one) in embeddings or (one is matrices[0] and id(one) not in outputs):
            groups[name] = "first"
        else:
            groups[name] = "last" if id(one) in outputs else "hidden"
    return groups
