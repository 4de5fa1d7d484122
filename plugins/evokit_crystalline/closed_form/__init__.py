"""Continuous parts of a GPT-2 in closed form: smoothed bigrams, their factors, and later refits of the head."""
