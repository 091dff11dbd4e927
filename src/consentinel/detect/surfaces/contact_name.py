"""The first, last or full name of a person, as plain text or hashed for matching."""

from consentinel.detect.surfaces._pairs import LIKELY, SURE, Pairs, Scores, best

TYPE = "contact.name"

NAMED = """firstname lastname fullname givenname familyname surname realname customername fname lname userfullname
    legalname cardholder cardholdername middlename vorname nachname user.name customer.name traits.name
    contact.name person.name recipientname billingname shippingname holdername
    userfirstname userlastname up.name ud.fn ud.ln userdata.fn userdata.ln address.firstname
    address.lastname"""
# What is called "name" below a person: there a name of two words or more counts, each with a capital letter.
OF_PERSON = (
    r"(^|\.)(usr|users?|user(data|details|info|profile|attributes|properties|traits)|persons?|people|personproperties"
    r"|profile(data)?|customer(data)?|contact|member|visitor|account|acct|traits|identity|identify|attendee|guest"
    r"|patient|student|employee|subscriber|lead|recipient|sender|buyer|shopper|passenger|payer|set|setonce|fields"
    r"|formfields|formdata|billing|shipping|cardholder)[.]?(user|display|full)?name$"
)
# The same one name further up: user.custom.name.
FURTHER_UP = (
    r"(^|[^a-z])(user|usr|person|people|profile|customer|contact|member|visitor|account)s?[.\[\]]+"
    r"(custom|custom_?attributes|attributes|properties|traits|data|details|info|fields)\.name$"
)
FULL = r"^\"?\p{Lu}[\pL'\x{2019}.-]*( \p{Lu}[\pL'\x{2019}.-]*){1,3}\"?$"
HASHED = """fn ln ud.fn ud.ln udff.fn udff.ln firstname lastname sha256firstname sha256lastname hashedfirstname
    hashedlastname address.sha256firstname address.sha256lastname firstnamehash lastnamehash"""
PERSON = r"^\"?[\pL][\pL'\x{2019}.-]*([ ,]+[\pL'\x{2019}.-]+){0,4}\"?$"
WORDS = """true false null none undefined unknown anonymous guest user test string name firstname lastname first
    last default admin n/a na visitor optional required"""


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds the name of a person."""
    named = pairs.named(NAMED) & (pairs.length >= 2) & (pairs.length <= 64)
    plain = pairs.by_value(PERSON, named)
    plain &= ~pairs.value_in(WORDS, plain)
    full = pairs.by_value(
        FULL, (pairs.like(OF_PERSON) | pairs.by_key(FURTHER_UP)) & (pairs.length >= 5) & (pairs.length <= 64)
    )
    hashed = pairs.by_value(r"(?i)^[0-9a-f]{64}$", pairs.named(HASHED) & (pairs.length == 64))
    return best(pairs.n, (hashed & (pairs.entropy(hashed) > 2), LIKELY), (full, LIKELY), (plain, SURE))
