"""A property of the hardware: model, maker, processor, memory, graphics, battery, touch."""

from consentinel.detect.surfaces._pairs import HINT, LIKELY, SURE, Pairs, Scores, best

TYPE = "device.hardware"

COUNTS = """hardwareconcurrency analog.battery cpucores numcores corecount cores cpucount processors devicememory
    totalmemory memorytotal ramtotal totalram ram ramsize maxtouchpoints touchpoints secchdevicememory
    device.memory device.ram touchsupport.maxtouchpoints disktotal totaldisk totalstorage batterylevel
    battery.level batterypercentage devicebattery batterycharge device.cores cpu.cores freeram ramfree
    availablememory jsheapsizelimit"""
COUNTS_LIKE = (
    r"hardwareconcurrency$|devicememory$|maxtouchpoints$|(logical|physical|cpu|num|number|n)(cores|processors|cpus)$"
    r"|(device|system|total|physical|installed)[.]?(memory|ram)(size|gb|mb)?$|memory[.]?(total|(estimated)?capacity)$"
)
# What navigator.deviceMemory can say (W3C Device Memory, section 3), and larger machines.
MEMORIES = "0.25 0.5 1 2 4 8 16 32 64"
MODEL = """devicemodel oemname deviceoem device.modelnumber modelnumber context.make devicebrand devicemanufacturer
    devicemake manufacturer device.model device.make device.brand device.hwv modelname phonemodel
    secchuamodel submodel uam hardwaremodel machinemodel deviceproduct"""
WEAK_MODEL = "model make brand devicename devicetype formfactor"
TYPE_VALUES = "mobile phone smartphone tablet desktop pc laptop tv console handset smarttv watch"
PROCESSOR = """cpuclass binaryarch arch cputype cpuarch architecture cpuarchitecture secchuaarch secchuabitness uaa uab
    device.arch deviceabi cpuabi abi device.cpu bitness"""
PROCESSOR_VALUES = (
    r"(?i)^\"?(x86([_-]64)?|x64|amd64|i[3-6]86|ia32|arm(64|hf|v[5-9].*)?|aarch64|risc-?v.*|64|32|wow64)\"?$"
)
GRAPHICS = """gpu gpuname gpurenderer gpuvendor graphicscard videocard videocard.renderer videocard.vendor
    unmaskedrenderer unmaskedvendor webglunmaskedrenderer webglunmaskedvendor rendererunmasked
    vendorunmasked webglrenderer webglvendor"""
GRAPHICS_VALUES = (
    r"(?i)(angle \(|nvidia|geforce|radeon|intel|adreno|mali-|apple (gpu|m[0-9])"
    r"|powervr|swiftshader|llvmpipe|mesa|amd|google inc)"
)
CHARGING = "batterycharging ischarging battery.charging charging batterystate battery.state batterystatus"
CHARGING_VALUES = "true false 0 1 charging discharging unplugged full yes no"


def recognise(pairs: Pairs) -> Scores:
    """Return the probability that each pair holds a hardware property."""
    short = (pairs.length > 0) & (pairs.length <= 200)
    counted = pairs.number(pairs.named(COUNTS) & short) >= 0
    alike = pairs.number(pairs.like(COUNTS_LIKE) & short) > 0
    alike |= pairs.value_in(MEMORIES, pairs.named("memory") & short)
    model = pairs.by_value(r"^\"?[\pL0-9][\pL0-9 ._,+()/-]+\"?$", pairs.named(MODEL) & short & (pairs.length <= 62))
    model &= ~pairs.value_in("true false null unknown undefined none", model)
    weak = pairs.by_value(
        r"(?i)^(iphone|ipad|ipod|sm-[a-z]|gt-|pixel|nexus|galaxy|moto|oneplus|redmi|huawei|samsung|xiaomi|macbook|macintosh)",
        pairs.named(WEAK_MODEL) & short,
    )
    kind = pairs.value_in(TYPE_VALUES, pairs.named("devicetype device.type devicecategory formfactor") & short)
    processor = pairs.by_value(PROCESSOR_VALUES, pairs.named(PROCESSOR) & short)
    graphics = pairs.by_value(GRAPHICS_VALUES, pairs.named(GRAPHICS) & short)
    graphics |= pairs.starts_with("ANGLE (")
    charging = pairs.value_in(CHARGING_VALUES, pairs.named(CHARGING) & short)
    return best(
        pairs.n, (kind, HINT), (alike, LIKELY), (weak, LIKELY), (charging, LIKELY), (model, SURE), (counted, SURE),
        (processor, SURE), (graphics, SURE),
    )  # fmt: skip
