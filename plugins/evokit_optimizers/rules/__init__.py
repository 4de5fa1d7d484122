"""Update rules as values: their terms and numbers, how they are shown, run on tensors and written as a Python file."""
