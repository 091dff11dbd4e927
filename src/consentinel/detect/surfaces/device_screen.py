"""The size, depth or density of the screen or of the browser window."""

import numpy as np

from consentinel.detect.surfaces._pairs import HINT, LIKELY, SURE, Pairs, Scores, best

TYPE = "device.screen"

PAIR = """sr screen screenres screenresolution screensize resolution vp viewport viewportsize viewportdimensions
    windowsize browsersize displayresolution displaysize pscreenres screendimensions brscreen svp
    screen.resolution device.resolution device.screensize window.size screen.size uscreen"""
WEAK_PAIR = "res s ss bs dimensions wh ds xy"
SIZE = r"^[\[({]?[0-9]{3,5}(px)? ?[xX*\x{D7},:;|/_] ?[0-9]{3,5}(px)?( ?[xX*,@|/] ?[0-9.]{1,4})?[\])}]?$"
SIDE = """screenwidth windowinnerwidth windowinnerheight screenheight screenw screenh swidth sheight scrw scrh
    scrwidth scrheight displaywidth displayheight viewportwidth viewportheight vpw vph windowwidth
    windowheight winwidth winheight innerwidth innerheight outerwidth outerheight availwidth availheight
    screenavailwidth screenavailheight browserwidth browserheight devicewidth deviceheight device.w
    device.h device.width device.height screen.width screen.height screen.w screen.h screen.availwidth
    screen.availheight viewport.width viewport.height viewport.w viewport.h window.width window.height
    window.innerwidth window.innerheight display.width display.height uw uh uaw uah screenresolution
    screenframe screeninfo.width screeninfo.height secchviewportwidth secchviewportheight browser.width
    browser.height"""
# The same in other words: what is measured, then a side of it.
SIDE_LIKE = (
    r"(screen|scr|display|viewport|window|browser|inner|outer|avail|vp|win|client|[.](s|v|w|b|d))"
    r"(size|inner|outer|avail|resolution|rect|dimensions?)?[.]?(width|height)$"
    r"|(screen|scr|viewport|window|inner|outer|avail|win|client)[.]?[wh]$|[.](page|doc|document)width$"
)
PAIR_LIKE = (
    r"(screen|scr|display|viewport|vp|window|win|browser|device|client|inner|outer|avail)[.]?"
    r"(size|res|resolution|rsl|dims?|dimensions?|wh|geometry)$|[.]rsl$"
)
LISTED = r"\[[0-9]*\]$|\.[0-9]+$"  # a list, or a position in one
IN_TEXT = r"(?i)resolution:? ?[0-9]{3,5} ?[x*\x{D7}] ?[0-9]{3,5}"
SHORT_SIDE = "sw sh vw vh ww wh bw bh dw dh w h"
DEPTH = """colordepth colourdepth screencolordepth screencolourdepth screendepth pixeldepth bitdepth sd cd ucd
    screen.colordepth"""
DEPTHS = "8 15 16 24 30 32 48 8-bit 16-bit 24-bit 30-bit 32-bit 48-bit"
DEPTH_LIKE = r"(colou?r|pixel|bit|screen|display)[.]?depth$"
DENSITY_LIKE = r"(pixelratio|pxratio|pixeldensity|(screen|display|device)[.]?(density|dpi|dpr|ppi)|[.]density)$"
DENSITY = """dpr devicepixelratio pixelratio pxratio screendensity secchdpr screenpixelratio screen.density
    screen.scale screenscale device.pxratio device.pixelratio screendpi device.dpi device.ppi ppi
    densitydpi displaydensity"""


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds a screen or window size, depth or density."""
    short = (pairs.length > 0) & (pairs.length <= 24)
    paired = pairs.named(PAIR) | pairs.like(PAIR_LIKE)
    size = pairs.by_value(SIZE, paired & short & (pairs.length >= 7))
    told = pairs.by_value(IN_TEXT, pairs.named("screen display resolution screenprint") & (pairs.length <= 400))
    weak = pairs.by_value(SIZE, pairs.named(WEAK_PAIR) & short & (pairs.length >= 7))
    side = pairs.number(pairs.named(SIDE) & short)
    wide = (side >= 100) & (side <= 20_000)
    alike = pairs.number((pairs.like(SIDE_LIKE) | (paired & pairs.by_key(LISTED))) & short)
    # One- and two-letter names are sides of images too; only inside a device description or a header do they count.
    loose = pairs.number(
        pairs.named(SHORT_SIDE) & pairs.by_key(r"(^|[.\[_])(device|screen|viewport|client)[.\[_].*") & short
    )
    brief = pairs.number(pairs.named("sw sh vw vh ww wh") & short)
    header = pairs.number(pairs.named("dpr viewportwidth") & pairs.carrier_in("header"))
    depth = pairs.value_in(DEPTHS, (pairs.named(DEPTH) | pairs.like(DEPTH_LIKE)) & short)
    density = pairs.number((pairs.named(DENSITY) | pairs.like(DENSITY_LIKE)) & short)
    dense = ((density >= 0.5) & (density <= 8)) | ((density >= 72) & (density <= 1_000))
    return best(
        pairs.n, (weak, HINT), ((brief >= 200) & (brief <= 8_000), HINT), ((loose >= 100) & (loose <= 20_000), LIKELY),
        ((alike >= 100) & (alike <= 20_000), LIKELY), (depth, LIKELY), (told, LIKELY), (dense, SURE), (wide, SURE),
        (size, SURE), (np.nan_to_num(header) > 0, SURE),
    )  # fmt: skip
