"""Networks of the user's own: any ``torch.nn.Module`` and any model directory of transformers."""
