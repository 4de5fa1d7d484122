"""What evokit does on a GPU: whether it computes what the CPU computes, how fast, and for how many joules.

Runs from a checkout with ``PYTHONPATH=.:plugins``. Beside Python, torch and NumPy it imports annotated-types, deap,
filelock, lazy-loader, moocore, packaging, platformdirs, pluggy, psutil, pynvml (of nvidia-ml-py, for joules),
safetensors, scipy, threadpoolctl and typing-extensions. Three are for rows of their own, which say so where they are
missing: scikit-learn for classifiers of texts; transformers for the GPT-2 beside ours; both transformers and tokenizers
for the optimizers' task on text.

Nothing is downloaded: tokens are random, images are made of one pattern a class and noise.
"""
