"""How the device is connected: kind of connection, speed, carrier, wireless network."""

from consentinel.detect.surfaces._pairs import HINT, SURE, Pairs, Scores, best
from consentinel.detect.surfaces._shapes import UUID

TYPE = "device.network"

KIND = """connectiontype networktype nettype connectionkind effectivetype ect effectiveconnectiontype
    mobilenetwork connection.type connection.effectivetype network.type networkconnectiontype
    networkaccess net conn connection network device.connectiontype device.network networkinfo.type
    mobilesubtype networksubtype networktypename"""
KINDS = """slow-2g 2g 3g 4g 5g lte edge gprs hspa hsdpa umts cdma wifi wi-fi wlan cellular mobile ethernet wimax
    bluetooth wwan nr wifi/wifi"""
CODE = "connectiontype device.connectiontype"  # OpenRTB 2.6 (AdCOM list): 1 to 7, 0 says nothing
RATE = """rtt downlink downlinkmax connection.rtt connection.downlink network.rtt network.downlink
    effectivebandwidth navigatorconnectionrtt networkdownlink networkrtt connectionspeed"""
CARRIER = """device.carrier carriername networkcarrier networkoperator networkoperatorname simoperator
    simoperatorname mobilecarrier devicecarrier network.carrier ispname telecomoperator client.carrier"""
CODES = "mccmnc device.mccmnc mcc mnc networkmcc simmcc mncmcc"
WIRELESS = "ssid bssid wifissid wifibssid wifiname wifi.ssid wifi.bssid network.ssid"


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair describes the network connection."""
    short = (pairs.length > 0) & (pairs.length <= 64)
    kind = pairs.value_in(KINDS, pairs.named(KIND) & short)
    code = pairs.by_value("^[1-7]$", pairs.named(CODE) & (pairs.length == 1))
    rate = pairs.number(pairs.named(RATE) & short)
    carrier = pairs.by_value(r"^[\pL][\pL0-9 .&+_-]+$", pairs.named(CARRIER) & short & (pairs.length <= 41))
    carrier &= ~pairs.value_in("unknown null none true false undefined", carrier)
    codes = pairs.by_value(r"^[0-9]{3}[-,]?[0-9]{0,3}$", pairs.named(CODES) & short)
    weak = pairs.by_value(r"(?i)^(vodafone|t-mobile|telekom|o2|verizon|at&t|orange|sprint|ee|three|telefonica)\b",
                          pairs.named("carrier isp operator") & short)  # fmt: skip
    wireless = pairs.named(WIRELESS) & short & (pairs.length >= 2)
    wireless &= ~pairs.value_in("true false null unknown", wireless) & ~pairs.by_value(UUID, wireless)
    return best(
        pairs.n, (weak, HINT), (kind, SURE), (code, SURE), ((rate >= 0) & (rate <= 100_000), SURE), (carrier, SURE),
        (codes, SURE), (wireless, SURE),
    )  # fmt: skip
