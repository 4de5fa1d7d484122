"""GPT-2 as a function of its tensors: sizes, slots, stages, loss, continuous parts and files."""
