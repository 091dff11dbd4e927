"""An identifier made for advertising: of a mobile device, of an ad network, or of a click.

Mobile advertising ids are UUIDs (Android Advertising ID, IDFA; OpenRTB 2.6 section 3.2.18 `ifa`, `didsha1`, `dpidmd5`);
a zeroed one says that the person limited ad tracking and identifies nobody.
"""

from consentinel.detect.surfaces._pairs import LIKELY, SURE, Pairs, Scores, best
from consentinel.detect.surfaces._shapes import identifier

TYPE = "device.advertising_id"

MOBILE = """ifa idfa gaid aaid adid advertisingid advertiserid advertisingidentifier adidentifier gpsadid googleadid
    googleadvertisingid googleaid dcrdid rdid aifa oaid fireadid amazonadvertisingid useradvertisingid
    maid advid advertisingtrackingid androidadid androidadvertisingid consentifa googleid mobileadid
    deviceifa adtrackingid idfamd5 idfasha1 gaidmd5 gaidsha1 aaidmd5 aaidsha1 adidmd5 adidsha1
    gpsadidlowermd5 dpidmd5 dpidsha1 didmd5 didsha1"""
CLICK = """gclid dclid gbraid wbraid fbclid ttclid msclkid twclid lifatid scclid epik yclid rdtcid fbc gclaw gcldc
    gclau qclid tblci obclickid"""
NETWORK = """fbp obuid muidb ttp muid ide uuid2 tdid uid2 uid2token advertisingtoken euid id5 id5id universaluid
    sharedid pubcid pubcommonid sharediduserid buyeruid eids.id uids.id uids.uid criteoid criteouserid
    ctobundle hadronid connectid idlenv idl rampid liverampid panid lotamepanoramaid netid zeotapid
    parrableid merkleid 33acrossid pairid amxid intentiqid utiq czechadid kadusercookie khaos tuuid
    demdex everesttgv2 audid bcookie uetvid pinunauth scid personalizationid ttduid ttdpuid adnxsuid
    bidswitchid unifiedid quantcastid googlegid googlehm dmdid novatiq"""
MOBILE_VALUE = (
    r"(?i)^(ifa:)?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$"
)


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds an advertising identifier."""
    long = (pairs.length >= 12) & (pairs.length <= 400)
    mobile = pairs.by_value(MOBILE_VALUE, pairs.named(MOBILE) & long)
    mobile &= pairs.entropy(mobile) >= 2.0
    click = identifier(pairs, pairs.named(CLICK) & long)
    network = identifier(pairs, (pairs.named(NETWORK) | pairs.by_key(r"^eid_[a-z0-9._-]+$")) & (pairs.length >= 8))
    return best(pairs.n, (mobile, SURE), (network, SURE), (click, LIKELY))
