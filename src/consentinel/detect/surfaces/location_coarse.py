"""Where somebody is, roughly: a city, a postal code, or a position to one or two decimals."""

import numpy as np

from consentinel.detect.surfaces._pairs import HINT, LIKELY, SURE, Pairs, Scores, best

TYPE = "location.coarse"

DEGREES = """lat latitude geolat userlat devicelat lng lon long longitude geolng geolon userlng userlon geolatitude
    geolongitude"""
CITY = "city geocity usercity cityname geo.city geoipcityname address.city locality location.city town ipcity ud.ct"
POSTAL = """zip zipcode postal postalcode postcode userzip geozip geo.zip address.zip address.postalcode plz
    geopostal postalcode1 ud.zp location.zip location.postalcode"""
REGION = """geo.region georegion geo.metro geometro geo.country device.country client.country user.country
    geo.countrycode dma metrocode geoipregion userregion location.region subdivision ud.st geo.region1
    geo.state"""
DECIMALS = r"^[+-]?[0-9]{1,3}\.([0-9]{1,2}|[0-9]{0,2}0{3,}[0-9]?|[0-9]{0,2}9{3,}[0-9]?)$"  # padded ones too
PLACE = r"^[\pL][\pL '\x{2019}.-]+$"
CODES = r"(?i)^([0-9]{4,6}(-[0-9]{3,4})?|[a-z]{1,2}[0-9][a-z0-9]? ?[0-9][a-z]{2}|[a-z][0-9][a-z] ?[0-9][a-z][0-9])$"
WORDS = "true false null none unknown undefined yes no all city other n na notset"


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds a coarse location."""
    short = (pairs.length >= 2) & (pairs.length <= 60)
    degrees = pairs.by_value(DECIMALS, pairs.named(DEGREES) & short)
    degrees &= np.nan_to_num(np.abs(pairs.number(degrees)), nan=999) <= 180
    city = pairs.by_value(PLACE, pairs.named(CITY) & short)
    city &= ~pairs.value_in(WORDS, city)
    postal = pairs.by_value(CODES, pairs.named(POSTAL) & short)
    region = pairs.by_value(r"^[\pL0-9][\pL0-9 '\x{2019}.-]+$", pairs.named(REGION) & short)
    region &= ~pairs.value_in(WORDS, region)
    return best(pairs.n, (region, HINT), (degrees, LIKELY), (city, SURE), (postal, SURE))
