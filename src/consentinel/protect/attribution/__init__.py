"""Attribution: which ad gets the credit for a conversion, plainly and under privacy.

rules.py which touches are eligible and which is preferred; credit.py how credit is divided; matching.py the SQL over
checked publisher and partner tables; results.py results per person and per ad; shares.py XOR shares of such tables.
"""
