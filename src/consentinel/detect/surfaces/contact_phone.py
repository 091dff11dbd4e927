"""A telephone number as plain text: 7 to 15 digits (ITU-T E.164) under a key that says so, or a tel: address."""

import numpy as np

from consentinel.detect.surfaces._pairs import HINT, LIKELY, SURE, Pairs, Scores, best

TYPE = "contact.phone"

NAMED = """phone phonenumber phoneno telephone telephonenumber tel mobilenumber mobilephone cellphone
    cellphonenumber msisdn userphone customerphone homephone workphone contactphone whatsapp phone1
    phonemobile mobileno telefon ud.ph userdata.phonenumber primaryphone billingphone shippingphone
    phoneprimary"""
NAMED_LIKE = r"(phone|telephone|mobile|cell|msisdn|whatsapp)[.]?(number|no|num|nr)?[.]?(id|e164|raw)?$"
E164 = r"^\+[1-9][0-9]{9,14}$"  # ITU-T E.164 with the plus
WHO = "identity identifier text input contact login username recipient"  # may be a number, written in full
WEAK = "mobile cell ph contactnumber msisdn1 callerid fax handy"
NUMBER = r"^(tel:)?\"?(\+|00)?[(]?[0-9][0-9 ().\-/]{5,20}[0-9]\"?$"
INTERNATIONAL = r"^(tel:)?\"?(\+|00)[1-9][0-9 ().\-]{6,20}[0-9]\"?$"
CLOCK = r"^1[0-9]{12}$|^[0-9]{4}-[0-9]{2}-[0-9]{2}$|^[0-9]{1,3}(\.[0-9]{1,3}){3}$|^[0-9]+\.[0-9]+$|^([0-9])0*$"


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds a telephone number."""
    short = (pairs.length >= 7) & (pairs.length <= 30)
    strong, weak = (pairs.named(NAMED) | pairs.like(NAMED_LIKE)) & short, pairs.named(WEAK) & short
    scheme = short & (pairs.first == ord("t"))
    number = pairs.by_value(NUMBER, strong)
    number &= ~pairs.by_value(CLOCK, number)
    abroad = pairs.by_value(INTERNATIONAL, weak | (scheme & pairs.starts_with("tel:")))
    plain = pairs.by_value(r"^[0-9]{10,12}$", weak & (pairs.length >= 10))
    plain &= ~pairs.by_value(r"^1[0-9]{9}$", plain)
    abroad |= pairs.by_value(
        E164, pairs.named(WHO) & (pairs.first == ord("+")) & (pairs.length >= 11) & (pairs.length <= 16)
    )
    varied = pairs.entropy(number | abroad | plain) > 1.0
    counted = np.asarray(number & varied)
    return best(pairs.n, (plain & varied, HINT), (abroad & varied, LIKELY), (counted, SURE))
