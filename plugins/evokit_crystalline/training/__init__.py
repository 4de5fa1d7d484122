"""Training by AdamW: its state, which outlives a kill, and its learning rates."""
