"""General words for one meaning in names of fields: abbreviations and synonyms of the trade, no vendor's own names."""

__all__ = ["meanings"]

_WORDS = {
    "advertising id": "idfa gaid aaid adid ifa advertisingid advertiserid rdid googleadid idforadvertisers gpsadid",
    "user agent": "ua useragent uastring webviewua browserua",
    "referrer": "ref referer referrer dr refurl httpreferer",
    "address of page": "url loc dl page pageurl location href topurl currenturl",
    "language": "lang language ul locale devicelanguage localelanguage languagecode acceptlanguage",
    "country": "country countrycode geocountry isocountry countryname",
    "time zone": "tz timezone utcoffset timezoneoffset gmtoffset tzoffset timezonename",
    "carrier": "carrier operator mccmnc isp carriername networkoperator networkname mcc mnc",
    "connection": "connectiontype networktype connection nettype network conntype contype connectivity",
    "os version": "osv osversion osver systemversion androidversion iosversion platformversion apilevel osrelease",
    "os": "os osname platform systemname ostype operatingsystem",
    "model": "model devicemodel devicename machine device modelname hardware",
    "maker": "make manufacturer brand devicemake vendor devicebrand oem",
    "width": "w width screenwidth sw screenw displaywidth devicewidth",
    "height": "h height screenheight sh screenh displayheight deviceheight",
    "app": "bundle bundleid package packagename appid pkg appidentifier applicationid bundleidentifier namespace",
    "app version": "appversion appver av appbuild versioncode versionname appv bundleversion version build",
    "name": "appname an name applicationname displayname title",
    "sdk version": "sdkversion sdkver sdk libversion clientversion sdkv library libver",
    "session": "sessionid session sid clientsessionid visitid",
    "user": "uid userid user externalid buyeruid externaluserid customerid memberid",
    "device": "deviceid udid androidid uuid idfv vendorid installid installationid instanceid openudid anonymousid "
    "appinstanceid installationuuid",
    "consent": "consent gdpr gdprconsent consentstring usprivacy ccpa gdprapplies gpp gppsid tcstring addtlconsent",
    "latitude": "lat latitude",
    "longitude": "lon lng longitude long",
    "ip": "ip publicip ipv6 ipaddress clientip ipv4 remoteip",
    "region": "region state metro dma",
    "post code": "zip postal zipcode postalcode",
    "account": "pubid publisherid siteid propertyid accountid zoneid placementid tagid networkid organizationid apikey "
    "projectid gameid measurementid trackingid sdkkey appkey adunitid publisher",
    "battery": "battery batterylevel batterystatus charging ischarging",
    "memory": "ram memory totalmemory freememory usedmemory",
    "disk": "disk storage freespace diskspace freedisk totaldisk",
    "do not track": "dnt lmt limitadtracking limittracking donottrack optout coppa",
    "rooted": "rooted isrooted jailbroken root isjailbroken",
    "volume": "volume soundlevel",
    "architecture": "arch architecture cpuarch cpu abi cputype",
    "density": "density pxratio dpi ppi scale screendensity pixelratio devicepixelratio",
    "keywords": "keywords kw tags",
    "category": "cat category sectioncat pagecat genre",
    "orientation": "orientation rotation",
    "emulator": "emulator isemulator simulator",
    "time": "starttime timestamp time date ts",
    "screen": "resolution screen screensize displaysize viewport",
}
_MEANINGS: dict[str, list[str]] = {}
for _meaning, _names in _WORDS.items():
    for _name in _names.split():
        _MEANINGS.setdefault(_name, []).append(_meaning)


def meanings(name: str) -> list[str]:
    """Return what NAME, lower case and without separators, is known to mean; empty when it is not known."""
    return _MEANINGS.get(name, [])
