"""Training networks by an optimizer, one after the other or several at once, and what came of it."""
