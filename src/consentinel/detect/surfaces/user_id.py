"""The identifier of a person's account with a site, an app or a partner."""

from consentinel.detect.surfaces._pairs import HINT, LIKELY, SURE, Pairs, Scores, best
from consentinel.detect.surfaces._shapes import NOBODY, identifier

TYPE = "user.id"

NAMED = """userid userlogin loginid login memberid memberno customerid customernumber externalid externaluserid
    crmid subscriberid ppuid publisheruserid publisherprovidedid puserid partneruserid appuserid
    accountuserid user.id user.uid user.externalid customer.id member.id registrationid
    loyaltyid loyaltynumber personid clientuserid up.uid hasheduserid useridhash encrypteduserid
    userguid useruuid custid customeruserid playerid identityid identifieduserid userkey ssoid gigyauid
    auth0id firebaseuserid tokenuid"""
# The same in other words. A visitor who is not known has a "user" id as well; that one is a device's.
LIKE = (
    r"(userid|authuser(id)?|(login|crm|customer|member|subscriber|accountholder|authenticated|registered)[.]?"
    r"(id|uid|guid|number|identifier)|(usr|userid|loginid|crmid|customerid|memberid|externalid)[.]u?id)$"
)
WEAK_LIKE = r"((developer|user|customer|person|new|old|[.])[.]?identity|[.]?account[.]id)$"
OF_DEVICE = r"(anon|anonymous|analytics|domain|network|visitor|guest|temp|device|shared|cookie|session)_?user_?id$"
USERNAME = "username userhandle screenname nickname accountname loginname"
WEAK = "uid uuid puid usr userident accountid"
# The uuid of an element of a list counts events or ad slots, unless the list is one of people or their devices.
OF_ELEMENT = r"\[\]\.uuid$"
OF_PERSON = r"(?:^|[._])(?:users?|people|persons?|profiles?|visitors?|customers?|members?|devices?)\[\]\.uuid$"
VALUE = r"^\"?[\pL0-9][\pL0-9_.:|@=+/~$-]+\"?$"
WORDS = """true false null none undefined unknown anonymous guest user visitor default test nan logged-in loggedin
    logged_in logged-out loggedout logged_out not-logged-in new returning free premium anon admin root
    not_set not-set notset login email facebook google apple"""


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds an account identifier."""
    short = (pairs.length >= 3) & (pairs.length <= 256)
    named = pairs.by_value(VALUE, pairs.named(NAMED) & short)
    named &= ~pairs.value_in(WORDS, named)
    named &= ~pairs.by_value(r"^0+$|^-?[0-9]{1,2}$|^[0-9]+\.[0-9]+$|^(https?:|/)|^[0-]+$", named)
    named &= ~pairs.by_value(r"(?i)^[^@ ]+@[^@ ]+\.[a-z]{2,}$", named)
    short_number = pairs.by_value(r"^[0-9]{3,4}$", named & (pairs.length <= 4))
    handle = pairs.by_value(r"^[\pL0-9][\pL0-9_.-]+$", pairs.named(USERNAME) & short & (pairs.length <= 40))
    handle &= ~pairs.value_in(WORDS, handle)
    handle &= ~pairs.by_value(NOBODY, handle & pairs.by_value("^[0-9]", handle))
    alike = identifier(pairs, pairs.like(LIKE) & ~pairs.by_key(OF_DEVICE))
    element = pairs.by_key(OF_ELEMENT) & ~pairs.by_key(OF_PERSON)
    weak = identifier(pairs, pairs.named(WEAK) & ~element & ~pairs.cookie & ~pairs.carrier_in("header"))
    weak |= short_number | identifier(pairs, pairs.like(WEAK_LIKE))
    return best(pairs.n, (weak, HINT), (handle | alike, LIKELY), (named & ~short_number, SURE))
