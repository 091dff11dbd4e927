"""A persistent identifier of a browser, an app installation or a device."""

from consentinel.detect.surfaces._pairs import HINT, LIKELY, SURE, Pairs, Scores, best
from consentinel.detect.surfaces._shapes import identifier, strong_identifier

TYPE = "device.id"

NAMED = """deviceid installationuuid fid deviceid2 analyticsuserid ckid appinstanceidtoken distinctid anonymousid
    anonymoususerid anonid duid domainuserid nuid tnuid networkuserid networkuid visitorid visitoruuid
    browserid installid installationid appinstanceid appinstallid firebaseinstanceid
    firebaseinstallationid androidid idfv identifierforvendor udid deviceuuid deviceuid deviceguid
    clientuuid androiduuid iosuuid webuuid persistentiosuuid hardwareid devicefingerprintid devicehash
    fbanonid gaclientid googleanalyticsclientid visitorcookieid cookieid ajsanonymousid qca clck
    hubspotutk amplitudeid amplitudedeviceid optimizelyenduserid svi mcmid ecid aiuser vwouuid
    mpdeviceid marketingcloudvisitorid device.id visitor.id browser.id device.uuid visitor.uuid
    devicetoken pushtoken shopifyy clientsideid pcid xvid externaldeviceid devicedeviceid
    partnerdeviceid partneruid tapartnerdid dpuuid mboxmcgvid mbox3rdpartyid hjuserid extcookieid aamid
    vtid globalid anondistinctid publisherfirstpartyviewerid"""
LIKE = (
    r"(device[a-z]*|install(ation)?|visitor|anonymous|anonymoususer|anon|distinct|stable|persistent|machine|hardware"
    r"|cookie|appinstance|fingerprint)[.]?(id|uid|uuid|guid|key|hash|stamp|identifier)$|[.]thumb(mark|print)$"
)
WEAK = "clientid client.id vid did mid mac udidhash uniqueid uniquedeviceid deviceidentifier puid browseruid"
ANALYTICS = r"^(GA[0-9]\.[0-9]\.)?[0-9]{5,10}\.[0-9]{9,10}$"
COOKIE_NAMES = (
    r"^(_pk_id[._].*|_sp_id\..*|__utma|amp_[0-9a-f]+|amplitude_id_.*|amcv_.*|_hjsessionuser_.*"
    r"|(.*[_.-])?(u?uid|guid|visitor|visitante|vid|cid|did|device|client|anon|anonymous|browser|track|tracking)"
    r"([_.-]?(id|uuid|uid|guid))?)$"
)
COOKIE_IDS = r"(id|visitor|guid|uid)$"
OTHER_COOKIES = r"(sess|sid$|csrf|xsrf|token|auth|consent|request|trace|correlation|cart|basket|order|page|lb|server)"
MATOMO = r"^[0-9a-f]{16}([.].*)?$"
SNOWPLOW = r"(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.1[0-9]{9}\."
UTMA = r"^[0-9]+\.[0-9]{6,}\.[0-9]{10}\."
MAC = r"(?i)^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$"
IMEI = r"^[0-9]{14,16}$"


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds a persistent device identifier."""
    named = identifier(pairs, pairs.named(NAMED))
    alike = identifier(pairs, pairs.like(LIKE))
    analytics = pairs.by_value(ANALYTICS, pairs.named("ga gid cid clientid uid xcid") & (pairs.length <= 40))
    analytics |= strong_identifier(pairs, pairs.named("cid"))
    weak = strong_identifier(pairs, pairs.named(WEAK) | (pairs.named("id") & pairs.by_key("matomo|piwik|^_id$")))
    hardware = pairs.by_value(MAC, pairs.named("mac macaddress wifimac device.mac ethernetmac") & (pairs.length == 17))
    hardware |= pairs.by_value(IMEI, pairs.named("imei meid deviceimei imei1") & (pairs.length <= 16))
    cookie = pairs.by_key(COOKIE_NAMES) & pairs.cookie
    stored = strong_identifier(pairs, cookie)
    stored |= pairs.by_value(f"{MATOMO}|{SNOWPLOW}|{UTMA}", cookie & ~stored & (pairs.length <= 300))
    other = pairs.cookie & pairs.by_key(COOKIE_IDS) & ~pairs.by_key(OTHER_COOKIES)
    weak |= strong_identifier(pairs, other & ~stored)
    return best(pairs.n, (weak | alike, HINT), (stored, LIKELY), (analytics, SURE), (named, SURE), (hardware, SURE))
