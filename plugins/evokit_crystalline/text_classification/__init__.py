"""Classification of texts by the hidden states of a GPT-2 whose layers are the individual."""
