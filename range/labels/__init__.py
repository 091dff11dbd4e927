"""Labels of the proving range: who sent which datum to whom under which consent, found without the detector's code."""
