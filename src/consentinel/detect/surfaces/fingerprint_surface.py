"""A surface from which a device can be fingerprinted: canvas, WebGL, audio, fonts, plugins, or a hash over several."""

from consentinel.detect.surfaces._pairs import LIKELY, SURE, Pairs, Scores, best

TYPE = "fingerprint.surface"

COMPONENT = (
    r"(^|[.\[_])(components?|fingerprint[a-z0-9]*|fp|fpjs|fpdata)[.\[_](\w+[.\[_])*"
    r"(canvas|webgl\w*|audio\w*|fonts?|fontpreferences|plugins|domblockers|math|touchsupport|screenframe|oscpu"
    r"|vendorflavors|emoji|mimetypes|speechvoices|voices)([.\[\]_]|$)"
)
HASHED = """canvashash canvasfp canvasfingerprint canvasdata canvasid webglhash webglfp webglfingerprint
    webglreporthash webglimagehash audiohash audiofp audiofingerprint fontshash fonthash pluginshash
    mathhash emojihash voiceshash canvas2dhash canvas2d canvasgeometry canvastext canvas.hash webgl.hash
    audio.hash fonts.hash plugins.hash canvas.geometry canvas.text canvas.datauri"""
WHOLE = (
    "fingerprint devicefingerprint browserfingerprint fingerprinthash fphash fingerprintid murmurhash clientfingerprint"
)
FONTS = "fonts fontlist installedfonts fontslist jsfonts flashfonts"
PLUGINS = "plugins pluginlist navigatorplugins navplugins browserplugins mimetypes"
PLUGIN = r"(?i)(pdf|flash|native client|widevine|plug-?in|quicktime|application/)"
DIGEST = r"(?i)^-?[0-9a-f]{6,128}$|^-?[0-9]+\.[0-9]{6,}$|^[A-Za-z0-9+/=_-]{20,200}$"
IMAGE = "data:image/"


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds a fingerprinting surface."""
    filled = pairs.length > 0
    filled &= ~pairs.value_in("null undefined false error unsupported", pairs.by_key(COMPONENT) & filled)
    component = pairs.by_key(COMPONENT) & filled
    hashed = pairs.named(HASHED)
    surface = pairs.by_value(DIGEST, hashed & (pairs.length >= 6) & (pairs.length <= 200))
    surface |= pairs.by_value("^" + IMAGE, pairs.by_key("canvas|webgl|todataurl") & (pairs.length >= 60))
    whole = pairs.by_value(r"(?i)^[0-9a-f]{16,128}$", pairs.named(WHOLE) & (pairs.length >= 16) & (pairs.length <= 128))
    long = (pairs.length >= 16) & (pairs.length <= 20_000)
    listed = pairs.by_value(r"^[^,;|]+([,;|][^,;|]+)([,;|][^,;|]+)", pairs.named(FONTS) & long)
    listed |= pairs.by_value(PLUGIN, pairs.named(PLUGINS) & long)
    return best(pairs.n, (whole, LIKELY), (listed, LIKELY), (surface, SURE), (component, SURE))
