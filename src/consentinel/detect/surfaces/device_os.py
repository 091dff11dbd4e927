"""The operating system or its version."""

from consentinel.detect.surfaces._pairs import LIKELY, SURE, Pairs, Scores, best

TYPE = "device.os"

NAME = """os osname operatingsystem osfamily ostype osidentifier platform navigatorplatform secchuaplatform uap
    systemname sysname device.os device.osname device.platform os.name os.family deviceos oscpu ua.os
    client.os useragentos platformname osplatform mchplatform secchuaplatform appplatform"""
NAMES = (
    r"(?i)^\"?(windows( ?(nt|phone|[0-9]+).*)?|win(32|64|ce)|mac ?os( ?x)?.*"
    r"|macintosh|mac(intel|ppc| os)?|darwin|os x.*"
    r"|ios.*|ipados.*|iphone( os)?|ipad|android.*|linux.*|ubuntu|debian|fedora|chrom(e|ium) ?os.*|cros|tizen.*|webos.*"
    r"|kaios|fuchsia|harmonyos|freebsd.*|watchos|tvos)\"?$"
)
VERSION = """osversion osvers xosv deviceapilevel iosbuild.osversion osv osver osbuild systemversion sysver
    secchuaplatformversion uapv platformversion device.osv device.osversion os.version osversionandroid
    androidversion iosversion androidsdk apilevel androidapilevel osapilevel deviceosversion
    kernelversion os.build mchplatformver"""
OF = r"(operatingsystem|platform|([.]|client|device|user|ua|host|system|browser)[.]?os)"
NAME_LIKE = rf"{OF}[.]?(name|family|type)?$"
VERSION_LIKE = (
    rf"({OF}|android|kernel)[.]?(full)?(version|vers?|release|major|build)(name|string|full|code|number|major)?$"
)
VERSIONS = r"(?i)^\"?([a-z]+ ?(os )?)?[0-9]{1,6}([._][0-9]{1,6}){0,4}[a-z0-9 ._-]{0,20}\"?$"


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair names the operating system or its version."""
    short = (pairs.length > 0) & (pairs.length <= 80)
    name = pairs.by_value(NAMES, (pairs.named(NAME) | pairs.like(NAME_LIKE)) & short)
    loose = pairs.by_value(NAMES, pairs.named("plat sdk clienttype pf") & short)
    version = pairs.by_value(VERSIONS, (pairs.named(VERSION) | pairs.like(VERSION_LIKE)) & short)
    return best(pairs.n, (loose, LIKELY), (name, SURE), (version, SURE))
