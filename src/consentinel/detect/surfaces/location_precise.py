"""A position on the ground to three decimals or more, that is within about 100 metres.

A degree of latitude is about 111 km, so the third decimal is worth 111 m; two decimals or fewer are coarse. So are
more of them that only pad two: zeros, or what is left when 77.21 was kept as a single-precision number (77.209999).
"""

import numpy as np

from consentinel.detect.surfaces._pairs import LIKELY, SURE, Pairs, Scores, best

TYPE = "location.precise"

LATITUDE = "lat latitude geolat userlat devicelat gpslat geolatitude userlatitude currentlat locationlat mylat"
LONGITUDE = (
    "lng lon long longitude geolng geolon geolong userlng userlon devicelon gpslng gpslon geolongitude userlongitude"
)
BOTH = """ll latlng latlong latlon lnglat lonlat geo location coords coordinates position gps geolocation
    geocoordinates loc latitudelongitude userlocation geopoint point center currentlocation
    gpscoordinates geoposition"""
PADDED = r"^[+-]?[0-9]{1,3}\.([0-9]{0,2}0{3,}[0-9]?|[0-9]{0,2}9{3,}[0-9]?)$"
DECIMALS = r"^[+-]?[0-9]{1,3}\.[0-9]{3,}$"
PAIR = (
    r"^[\[(\"]*[+-]?[0-9]{1,3}\.[0-9]{3,}(\s?[,;|/ ]\s?|%2[cC])[+-]?[0-9]{1,3}\.[0-9]{3,}"
    r"([,; ][0-9.-]+)?[\])\"]*$"
)


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds a precise position."""
    short = (pairs.length >= 5) & (pairs.length <= 64)
    latitude, longitude, both = pairs.named(LATITUDE), pairs.named(LONGITUDE), pairs.named(BOTH)
    exact = pairs.by_value(DECIMALS, (latitude | longitude | pairs.named("coordinates coords")) & short)
    exact &= ~pairs.by_value(PADDED, exact)
    degrees = np.abs(pairs.number(exact))
    alone = (latitude & (degrees <= 90)) | (longitude & (degrees <= 180))
    listed = ~latitude & ~longitude & (degrees <= 180)
    together = pairs.by_value(PAIR, both & short)
    return best(pairs.n, (listed, LIKELY), (alone & exact, SURE), (together, SURE))
