"""Rules: what is claimed of whole visits, one kind of claim each."""
