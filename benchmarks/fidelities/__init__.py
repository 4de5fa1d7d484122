"""How well cheaper budgets of an optimizer search rank rules, and what they cost."""
