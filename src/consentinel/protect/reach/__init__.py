"""Reach and frequency across publishers: sketches that merge without loss, counted once per person, released privately.

hashing.py the shared secret of an epoch and what it makes of an identifier; sketch.py build, merge and statistics;
encoding.py a sketch as bytes; occupancy.py what a sketch of n people looks like; private.py the answer under central
differential privacy; asked.py the question, from files of sketches to rows.
"""
