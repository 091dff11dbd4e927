"""The on-device half of W3C Attribution Level 1: impressions, conversions, credit and the privacy budgets.

sites.py what a site is; credit.py last-n-touch credit; budgets.py the budgets; device.py one browser; player.py
replays recorded events. Source: W3C Private Advertising Technology Working Group, Attribution Level 1.
"""
