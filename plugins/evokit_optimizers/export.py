"""The champion as a file to take home."""

from __future__ import annotations

from pathlib import Path

from evokit.errors import UserError
from evokit.interfaces import Context
from evokit_optimizers.models import read_networks
from evokit_optimizers.options import TorchOptimizer
from evokit_optimizers.rules.rule_json import rule_from_json
from evokit_optimizers.rules.source import write_optimizer

MODULE = "evolved_optimizer.py"


def build_export(options: TorchOptimizer, context: Context) -> TorchOptimizerExport:
    """The export, which needs nothing of options and run."""
    return TorchOptimizerExport()


class TorchOptimizerExport:
    """Writes the rule that trained networks as a Python file with a ``torch.optim.Optimizer``."""

    def export(self, artifact: Path, out: Path) -> None:
        """Write the file.

        Args:
            artifact: What the champion's contender wrote.
            out: A file if its name ends in ``.py``, else a directory, made if missing, that gets
                ``evolved_optimizer.py``.

        Raises:
            UserError: The networks were not trained by an evolved rule.
        """
        about = read_networks(artifact)[1]
        if "rule" not in about:
            raise UserError(
                f"{artifact} was trained by {about['method']}, which is no evolved optimizer: nothing to export"
            )
        path = out if out.suffix == ".py" else out / MODULE
        path.parent.mkdir(parents=True, exist_ok=True)
        write_optimizer(rule_from_json(about["rule"]), path)
