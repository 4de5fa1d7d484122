"""What the plugin offers."""

import subprocess
import sys

import evokit_crystalline


def test_the_plugin_offers_its_components():
    offered = {(c.kind, c.name, c.fits) for c in evokit_crystalline.evokit_components()}
    assert offered == {
        ("genome", "crystalline", ""),
        ("genome", "grown", ""),
        ("fitness", "gpt2_loss", ""),
        ("fitness", "text_classification", ""),
        ("baseline", "bag_of_words", "text_classification"),
        ("final", "classify", "text_classification"),
        ("baseline", "adamw", "gpt2_loss"),
        ("baseline", "muon", "gpt2_loss"),
        ("baseline", "closed_form", "gpt2_loss"),
        ("final", "assemble", "gpt2_loss"),
        ("export", "transformers", "gpt2_loss"),
        ("export", "library", "gpt2_loss"),
    }


def test_importing_the_plugin_imports_nothing_heavy():
    code = "import sys, evokit_crystalline; print(sys.modules.keys() & {'torch', 'transformers', 'datasets'})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
