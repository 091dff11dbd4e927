import json
import subprocess
import sys
from types import ModuleType

import pytest

from consentinel.core import contracts
from consentinel.core.contracts import Question


def module(source: str) -> ModuleType:
    part = ModuleType("part")
    exec(source, part.__dict__)
    return part


@pytest.mark.parametrize(
    ("door", "source"),
    [
        (contracts.RulePart, "VERSION = '1'\nPROOF = 'P4'\ndef find(visits): return visits"),
        (contracts.SurfacePart, "TYPE = 'contact.email'\ndef recognise(pairs): return pairs"),
        (contracts.SignalPart, "KEYS = ('gpc',)\ndef read(key, text): return text"),
        (contracts.CollectorPart, "SUFFIXES = ('.har',)\ndef read(path, options, notes): yield path"),
        (contracts.ReportPart, "def write(result, out): return out"),
    ],
)
def test_a_module_keeps_a_door_and_one_without_does_not(door: type, source: str) -> None:
    assert isinstance(module(source), door)
    for line in source.splitlines():
        assert not isinstance(module(source.replace(line, "")), door)


def test_equal_questions_are_equal_bytes() -> None:
    one = Question.of("reach", {"unit": "person", "window": {"days": "7"}})
    two = Question.of("reach", {"window": {"days": "7"}, "unit": "person"})
    assert one == two
    assert one.digest == two.digest
    assert len(one.digest) == 64
    assert json.loads(one.parameters)["unit"] == "person"
    assert one.digest != Question.of("lift", {"unit": "person", "window": {"days": "7"}}).digest


def test_a_question_has_no_nan() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        Question.of("sum", {"bound": float("nan")})


@pytest.mark.real
def test_importing_it_loads_no_engine() -> None:
    program = (
        "import sys, consentinel.core.contracts;"
        "assert not {'numpy', 'pyarrow', 'duckdb', 'scipy'} & {m.partition('.')[0] for m in sys.modules}"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(sys.path)})
