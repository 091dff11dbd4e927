"""The sections of the Global Privacy Platform, each a table of fields.

Field names are those of the reference implementation (npm @iabgpp/cmpapi), which are those of the section texts.
Source: IAB Tech Lab, Global Privacy Platform, "Sections" (one text for each section).
"""

from typing import NamedTuple

from consentinel.detect.signals import _layout as kinds
from consentinel.detect.signals._layout import Field, Layout

__all__ = ["SECTIONS", "Section"]


class Section(NamedTuple):
    """One section: its name, its segments, and how a segment is told and padded.

    segments: each segment as a list of readings of it, the current one first, an outdated one after it.
    typed: whether a segment's first three bits say which it is (TCF) rather than its position (US).
    multiple: the encoder pads a segment to a multiple of so many bits.
    """

    name: str
    segments: dict[int, tuple[Layout, ...]]
    typed: bool = False
    multiple: int = 8


def _tcf_core(version: int, policy: Field, rest: Layout) -> Layout:
    return (
        Field("Version", kinds.INT, 6, version),
        Field("Created", kinds.TIME),
        Field("LastUpdated", kinds.TIME),
        Field("CmpId", kinds.INT, 12),
        Field("CmpVersion", kinds.INT, 12),
        Field("ConsentScreen", kinds.INT, 6),
        Field("ConsentLanguage", kinds.WORD, 2, "EN"),
        Field("VendorListVersion", kinds.INT, 12),
        policy,
        *rest,
    )


_EU_CORE = _tcf_core(
    2,
    Field("PolicyVersion", kinds.INT, 6, 5),
    (
        Field("IsServiceSpecific", kinds.BOOL, 1, True),
        Field("UseNonStandardStacks", kinds.BOOL),
        Field("SpecialFeatureOptins", kinds.BOOLS, 12),
        Field("PurposeConsents", kinds.BOOLS, 24),
        Field("PurposeLegitimateInterests", kinds.BOOLS, 24),
        Field("PurposeOneTreatment", kinds.BOOL),
        Field("PublisherCountryCode", kinds.WORD, 2, "AA"),
        Field("VendorConsents", kinds.VENDORS),
        Field("VendorLegitimateInterests", kinds.VENDORS),
        Field("PublisherRestrictions", kinds.RESTRICTIONS_LOOSE),
    ),
)
_EU_DISCLOSED: Layout = (
    Field("VendorsDisclosedSegmentType", kinds.INT, 3, 1),
    Field("VendorsDisclosed", kinds.VENDORS),
)
_EU_ALLOWED: Layout = (
    Field("VendorsAllowedSegmentType", kinds.INT, 3, 2),
    Field("VendorsAllowed", kinds.VENDORS),
)
_EU_PUBLISHER: Layout = (
    Field("PublisherPurposesSegmentType", kinds.INT, 3, 3),
    Field("PublisherConsents", kinds.BOOLS, 24),
    Field("PublisherLegitimateInterests", kinds.BOOLS, 24),
    Field("NumCustomPurposes", kinds.INT, 6),
    Field("PublisherCustomConsents", kinds.BOOLS, "NumCustomPurposes"),
    Field("PublisherCustomLegitimateInterests", kinds.BOOLS, "NumCustomPurposes"),
)


def _ca_core(vendors: kinds.Kind, restrictions: kinds.Kind) -> Layout:
    return _tcf_core(
        1,
        Field("TcfPolicyVersion", kinds.INT, 6, 2),
        (
            Field("UseNonStandardStacks", kinds.BOOL),
            Field("SpecialFeatureExpressConsent", kinds.BOOLS, 12),
            Field("PurposesExpressConsent", kinds.BOOLS, 24),
            Field("PurposesImpliedConsent", kinds.BOOLS, 24),
            Field("VendorExpressConsent", vendors),
            Field("VendorImpliedConsent", vendors),
            Field("PubRestrictions", restrictions),
        ),
    )


def _ca_disclosed(vendors: kinds.Kind) -> Layout:
    return (Field("DisclosedVendorsSegmentType", kinds.INT, 3, 1), Field("DisclosedVendors", vendors))


_CA_PUBLISHER: Layout = (
    Field("PubPurposesSegmentType", kinds.INT, 3, 3),
    Field("PubPurposesExpressConsent", kinds.BOOLS, 24),
    Field("PubPurposesImpliedConsent", kinds.BOOLS, 24),
    Field("NumCustomPurposes", kinds.INT, 6),
    Field("CustomPurposesExpressConsent", kinds.BOOLS, "NumCustomPurposes"),
    Field("CustomPurposesImpliedConsent", kinds.BOOLS, "NumCustomPurposes"),
)

_GPC: Layout = (Field("GpcSegmentType", kinds.INT, 2, 1), Field("Gpc", kinds.BOOL))
_SENSITIVE: Layout = (Field("SensitiveDataProcessing", kinds.PAIRS, 8),)


def _us(core: str, second: Layout | None = _GPC, version: int = 1) -> dict[int, tuple[Layout, ...]]:
    """Return the segments of a US section from its two-bit fields; "name*n" is a list of n of them."""
    names = core.split()
    fields = [Field(names[0], kinds.INT, 6, version)]
    for word in names[1:]:
        name, _, items = word.partition("*")
        default = 1 if name == "MspaCoveredTransaction" else None  # 0 is no value of it
        fields.append(Field(name, kinds.PAIRS, int(items)) if items else Field(name, kinds.INT, 2, default))
    return {0: (tuple(fields),)} | ({1: (second,)} if second else {})


_MODES = "MspaCoveredTransaction MspaOptOutOptionMode MspaServiceProviderMode"
_SHARING = "Version SharingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice"
_PROCESSING = "Version ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice"
_OPT_OUTS = "SaleOptOut TargetedAdvertisingOptOut"
_DATA = "SensitiveDataProcessing"
_CHILD = "KnownChildSensitiveDataConsents"
_MORE = "AdditionalDataProcessingConsent"
_MSPA = (  # the sections of 2025 put the agreement first
    "MspaVersion MspaCoveredTransaction MspaMode ProcessingNotice SaleOptOutNotice TargetedAdvertisingOptOutNotice "
    + _OPT_OUTS
)

SECTIONS: dict[int, Section] = {
    2: Section("tcfeuv2", {0: (_EU_CORE,), 1: (_EU_DISCLOSED,), 2: (_EU_ALLOWED,), 3: (_EU_PUBLISHER,)}, True, 24),
    5: Section(
        "tcfcav1",
        {
            0: (
                _ca_core(kinds.VENDORS_CODED, kinds.RESTRICTIONS_CODED),
                _ca_core(kinds.VENDORS, kinds.RESTRICTIONS_LOOSE),
            ),
            1: (_ca_disclosed(kinds.VENDORS_CODED), _ca_disclosed(kinds.VENDORS)),
            3: (_CA_PUBLISHER,),
        },
        True,
    ),
    6: Section("uspv1", {}),
    7: Section(
        "usnat",
        _us(
            "Version SharingNotice SaleOptOutNotice SharingOptOutNotice TargetedAdvertisingOptOutNotice "
            "SensitiveDataProcessingOptOutNotice SensitiveDataLimitUseNotice SaleOptOut SharingOptOut "
            f"TargetedAdvertisingOptOut {_DATA}*16 {_CHILD}*3 PersonalDataConsents {_MODES}",
            version=2,
        ),
    ),
    8: Section(
        "usca",
        _us(
            "Version SaleOptOutNotice SharingOptOutNotice SensitiveDataLimitUseNotice SaleOptOut SharingOptOut "
            f"{_DATA}*9 {_CHILD}*2 PersonalDataConsents {_MODES}"
        ),
    ),
    9: Section("usva", _us(f"{_SHARING} {_OPT_OUTS} {_DATA}*8 {_CHILD} {_MODES}", None)),
    10: Section("usco", _us(f"{_SHARING} {_OPT_OUTS} {_DATA}*7 {_CHILD} {_MODES}")),
    11: Section(
        "usut",
        _us(f"{_SHARING} SensitiveDataProcessingOptOutNotice {_OPT_OUTS} {_DATA}*8 {_CHILD} {_MODES}", None),
    ),
    12: Section("usct", _us(f"{_SHARING} {_OPT_OUTS} {_DATA}*8 {_CHILD}*3 {_MODES}")),
    13: Section("usfl", _us(f"{_PROCESSING} {_OPT_OUTS} {_DATA}*8 {_CHILD}*3 {_MORE} {_MODES}", None)),
    14: Section("usmt", _us(f"{_SHARING} {_OPT_OUTS} {_DATA}*8 {_CHILD}*3 {_MORE} {_MODES}")),
    15: Section("usor", _us(f"{_PROCESSING} {_OPT_OUTS} {_DATA}*11 {_CHILD}*3 {_MORE} {_MODES}")),
    16: Section("ustx", _us(f"{_PROCESSING} {_OPT_OUTS} {_DATA}*8 {_CHILD} {_MORE} {_MODES}")),
    17: Section("usde", _us(f"{_PROCESSING} {_OPT_OUTS} {_DATA}*9 {_CHILD}*5 {_MORE} {_MODES}")),
    18: Section("usia", _us(f"{_PROCESSING} SensitiveDataOptOutNotice {_OPT_OUTS} {_DATA}*8 {_CHILD} {_MODES}")),
    19: Section("usne", _us(f"{_PROCESSING} {_OPT_OUTS} {_DATA}*8 {_CHILD} {_MORE} {_MODES}")),
    20: Section("usnh", _us(f"{_PROCESSING} {_OPT_OUTS} {_DATA}*8 {_CHILD}*3 {_MORE} {_MODES}")),
    21: Section("usnj", _us(f"{_PROCESSING} {_OPT_OUTS} {_DATA}*10 {_CHILD}*5 {_MORE} {_MODES}")),
    22: Section("ustn", _us(f"{_PROCESSING} {_OPT_OUTS} {_DATA}*8 {_CHILD} {_MORE} {_MODES}")),
    23: Section("usmn", _us(f"{_PROCESSING} {_OPT_OUTS} {_DATA}*8 {_CHILD} {_MORE} {_MODES}")),
    24: Section("usmd", _us(f"{_MSPA} {_MORE}")),
    25: Section("usin", _us(f"{_MSPA} {_CHILD} {_MORE}", _SENSITIVE)),
    26: Section("usky", _us(f"{_MSPA} {_CHILD} {_MORE}", _SENSITIVE)),
    27: Section("usri", _us(f"{_MSPA} {_CHILD} {_MORE}", _SENSITIVE)),
}
