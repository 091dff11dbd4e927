"""Lift of a randomised experiment: what the treated arm did beyond the control arm, plainly and under privacy.

counting.py exact counts per arm and group in SQL; effect.py effects with intervals, power and the smallest detectable
effect; private.py the same under central differential privacy.
"""
