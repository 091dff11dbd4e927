"""The public network address of the device (IPv4 or IPv6).

Private, loopback, link-local and multicast ranges (RFC 6890) tell nobody apart and do not count.
"""

from consentinel.detect.surfaces._pairs import SURE, Pairs, Scores, best

TYPE = "device.ip"

NAMED = """ip clientip ipaddress ipaddr userip useripaddress remoteaddr remoteip publicip wip ipv4 ipv6 device.ip
    device.ipv6 xforwardedfor xrealip trueclientip cfconnectingip xclientip uip visitorip
    clientipaddress ipv4address ipv6address ipoverride clientipv4 clientipv6 externalip wanip originip
    user.ip geo.ip context.ip network.ip deviceip"""
OCTET = r"(25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
IPV4 = rf"^{OCTET}(\.{OCTET}){{3}}(:[0-9]{{1,5}})?( ?,.*)?$"
NOT_PUBLIC = (
    r"^(0|10|127|22[4-9]|2[3-5][0-9]|169\.254|192\.168|172\.(1[6-9]|2[0-9]|3[01])|"
    r"100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7]))\."
)
IPV6 = r"(?i)^\[?[0-9a-f]{1,4}(:[0-9a-f]{0,4}){2,7}(%[a-z0-9]+)?\]?$"
NOT_GLOBAL = r"(?i)^\[?(fe[89ab][0-9a-f]:|f[cd][0-9a-f]{2}:|ff[0-9a-f]{2}:|0{0,4}(:0{0,4})*:0{0,3}1?\]?$)"


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds the public address of the device."""
    hinted = pairs.named(NAMED) & (pairs.length >= 7) & (pairs.length <= 120)
    four = pairs.by_value(IPV4, hinted)
    four &= ~pairs.by_value(NOT_PUBLIC, four)
    six = pairs.by_value(IPV6, hinted & ~four)
    six &= ~pairs.by_value(NOT_GLOBAL, six)
    return best(pairs.n, (four | six, SURE))
