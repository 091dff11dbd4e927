"""How models of each kind are measured on what is held out: one module a kind of question."""
