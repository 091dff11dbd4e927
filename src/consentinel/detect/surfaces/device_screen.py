"""The size, depth or density of the screen or of the browser window."""

import numpy as np

from consentinel.detect.surfaces._pairs import HINT, LIKELY, SURE, Pairs, Scores, best

TYPE = "device.screen"

PAIR = """sr screen screenres screenresolution screensize resolution vp viewport viewportsize viewportdimensions
    windowsize browsersize displayresolution displaysize pscreenres screendimensions brscreen svp
    screen.resolution device.resolution device.screensize window.size screen.size uscreen"""
WEAK_PAIR = "res s ss bs dimensions wh ds xy"
SIZE = r"^[0-9]{3,5} ?[xX*\x{D7},:/_] ?[0-9]{3,5}([xX*,@][0-9.]{1,4})?$"
SIDE = """screenwidth windowinnerwidth windowinnerheight screenheight screenw screenh swidth sheight scrw scrh
    scrwidth scrheight displaywidth displayheight viewportwidth viewportheight vpw vph windowwidth
    windowheight winwidth winheight innerwidth innerheight outerwidth outerheight availwidth availheight
    screenavailwidth screenavailheight browserwidth browserheight devicewidth deviceheight device.w
    device.h device.width device.height screen.width screen.height screen.w screen.h screen.availwidth
    screen.availheight viewport.width viewport.height viewport.w viewport.h window.width window.height
    window.innerwidth window.innerheight display.width display.height uw uh uaw uah screenresolution
    screenframe screeninfo.width screeninfo.height secchviewportwidth secchviewportheight browser.width
    browser.height"""
SHORT_SIDE = "sw sh vw vh ww wh bw bh dw dh w h"
DEPTH = """colordepth colourdepth screencolordepth screencolourdepth screendepth pixeldepth bitdepth sd cd ucd
    screen.colordepth"""
DEPTHS = "8 15 16 24 30 32 48 8-bit 16-bit 24-bit 30-bit 32-bit 48-bit"
DENSITY = """dpr devicepixelratio pixelratio pxratio screendensity secchdpr screenpixelratio screen.density
    screen.scale screenscale device.pxratio device.pixelratio screendpi device.dpi device.ppi ppi
    densitydpi displaydensity"""


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds a screen or window size, depth or density."""
    short = (pairs.length > 0) & (pairs.length <= 24)
    size = pairs.by_value(SIZE, pairs.named(PAIR) & short & (pairs.length >= 7))
    weak = pairs.by_value(SIZE, pairs.named(WEAK_PAIR) & short & (pairs.length >= 7))
    side = pairs.number(pairs.named(SIDE) & short)
    wide = (side >= 100) & (side <= 20_000)
    # One- and two-letter names are sides of images too; only inside a device description or a header do they count.
    loose = pairs.number(
        pairs.named(SHORT_SIDE) & pairs.by_key(r"(^|[.\[_])(device|screen|viewport|client)[.\[_].*") & short
    )
    header = pairs.number(pairs.named("dpr viewportwidth") & pairs.carrier_in("header"))
    depth = pairs.value_in(DEPTHS, pairs.named(DEPTH) & short)
    density = pairs.number(pairs.named(DENSITY) & short)
    dense = ((density >= 0.5) & (density <= 8)) | ((density >= 72) & (density <= 1_000))
    return best(
        pairs.n, (weak, HINT), ((loose >= 100) & (loose <= 20_000), LIKELY), (depth, LIKELY), (dense, SURE),
        (wide, SURE), (size, SURE), (np.nan_to_num(header) > 0, SURE),
    )  # fmt: skip
