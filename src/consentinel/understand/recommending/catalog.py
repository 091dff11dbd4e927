"""The catalogue of mitigations: ours, a company's own on top of it, and the published ones it refers to."""

import csv
import gzip
import io
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Run
from consentinel.core.text import one_line
from consentinel.understand.recommending.actions import Rule, rules_of

__all__ = ["Answer", "Catalog", "Mitigation", "opened", "titles"]

_LISTS = ("pf", "sp800_53", "dpv", "said", "unsaid")
_TEXTS = ("name", "does", "owner", "reviewer")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
# What a reference is called on the page, by the key it has in the file.
SCHEMES = {"pf": "NIST PF", "sp800_53": "SP 800-53", "dpv": "DPV"}


@dataclass(frozen=True)
class Mitigation:
    """One thing that can be done."""

    name: str
    title: str
    does: str
    owner: str
    reviewer: str
    references: tuple[str, ...]  # for example "SP 800-53 at-2"


@dataclass(frozen=True)
class Answer:
    """What a rule asks for: why, and mitigations with the share of such cases that they are expected to fit."""

    because: str
    mitigations: Mapping[str, float]


@dataclass(frozen=True)
class Catalog:
    """Mitigations by name, the rules that read them from text, and what answers a finding or an audit."""

    mitigations: Mapping[str, Mitigation]
    rules: tuple[Rule, ...]
    answers: Mapping[str, Answer]  # "finding.gpc_ignored" or "audit.sampling"

    def answer(self, kind: str, classes: list[str]) -> tuple[str, Answer] | None:
        """Return the rule for a KIND of case by the first of its CLASSES that has one."""
        return next(((key, self.answers[key]) for one in classes if (key := f"{kind}.{one}") in self.answers), None)


def opened(run: Run | None = None, own: Path | None = None) -> Catalog:
    """Return our catalogue, with the company's OWN file on top: [NAME] adds or replaces a mitigation, and
    [finding.RULE] or [audit.TEST] what answers it. Raises BadInput, UsageError."""
    shipped = files("consentinel.understand") / "data"
    made: dict[str, dict[str, Any]] = {}
    for name in ("mitigations", "mitigations_by_rule"):
        made |= tomllib.loads((shipped / f"{name}.toml").read_text("utf-8"))
    mapped: dict[str, dict[str, Any]] = tomllib.loads((shipped / "mitigated.toml").read_text("utf-8"))
    if own is not None:
        given = _toml(own if run is None else run.read(own))
        for kind in ("finding", "audit"):
            mapped[kind] |= given.pop(kind, {})
        made |= given
    mitigations = {name: _mitigation(name, one) for name, one in made.items()}
    answers = {}
    for kind, some in mapped.items():
        for rule, one in some.items():
            answers[f"{kind}.{rule}"] = _answer(f"{kind}.{rule}", one, mitigations)
    try:
        rules = rules_of(made)
    except re.error as why:
        raise UsageError(f"--catalog: a pattern of 'said' or 'unsaid' cannot be read ({why})") from None
    return Catalog(mitigations, tuple(rules), answers)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as why:
        raise BadInput(f"cannot be read as TOML ({type(why).__name__})", where=path.name, todo="Correct it") from None


def _mitigation(name: str, one: Any) -> Mitigation:
    where = f"--catalog, [{one_line(name, 40)}]"
    if not _NAME.fullmatch(name) or not isinstance(one, dict):
        raise UsageError(f"{where}: a mitigation is a table with a name of a-z, 0-9 and _")
    unknown = set(one) - {*_TEXTS, *_LISTS}
    if unknown:
        raise UsageError(f"{where}: unknown key '{one_line(min(unknown), 40)}'; there is: {', '.join(_TEXTS + _LISTS)}")
    for key in _LISTS:
        if not all(isinstance(item, str) for item in one.setdefault(key, [])) or not isinstance(one[key], list):
            raise UsageError(f"{where}: '{key}' is a list of texts")
    if not all(isinstance(one.get(key), str) and one[key].strip() for key in _TEXTS):
        raise UsageError(f"{where}: {', '.join(_TEXTS)} are texts and none is empty")
    references = tuple(f"{SCHEMES[key]} {item}" for key in SCHEMES for item in one[key])
    title, does, owner, reviewer = (one_line(one[key], 300) for key in _TEXTS)
    return Mitigation(name, title, does, owner, reviewer, references)


def _answer(where: str, one: Any, mitigations: Mapping[str, Mitigation]) -> Answer:
    if not isinstance(one, dict) or set(one) != {"because", "answers"} or not isinstance(one["answers"], dict):
        raise UsageError(f"--catalog, [{one_line(where, 60)}]: needs `because` and a table `answers`")
    for name, share in one["answers"].items():
        if name not in mitigations:
            raise UsageError(f"--catalog, [{one_line(where, 60)}]: no mitigation '{one_line(name, 40)}'")
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
            raise UsageError(f"--catalog, [{one_line(where, 60)}]: '{name}' has a share in (0, 1)")
    return Answer(one_line(str(one["because"]), 200), {name: float(p) for name, p in one["answers"].items()})


def titles(run: Run, folder: Path) -> dict[str, str]:
    """Return the published title or text of each reference that the files in FOLDER know.

    Reads what is there of nist_privacy_framework*.jsonl, nist_800_53*.jsonl (objects with id and text or title) and
    dpv*.csv (columns term and label), also packed by gzip. Raises BadInput where there is none of them.
    """
    found: dict[str, str] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else [folder]:
        name = path.name.removesuffix(".gz")
        if name.startswith("nist_privacy_framework") and name.endswith(".jsonl"):
            found |= {f"{SCHEMES['pf']} {row['id']}": row["text"] for row in _objects(run.read(path))}
        elif name.startswith("nist_800_53") and name.endswith(".jsonl"):
            found |= {f"{SCHEMES['sp800_53']} {row['id']}": row["title"] for row in _objects(run.read(path))}
        elif name.startswith("dpv") and name.endswith(".csv"):
            rows = csv.DictReader(io.StringIO(_text(run.read(path))))
            found |= {f"{SCHEMES['dpv']} {row.get('term', '')}": row.get("label") or "" for row in rows}
    if not found:
        raise BadInput("holds no published catalogue", where=folder.name,
                       todo="It needs nist_privacy_framework*.jsonl, nist_800_53*.jsonl or dpv*.csv")  # fmt: skip
    return {key: one_line(text, 200) for key, text in found.items()}


def _objects(path: Path) -> Iterator[dict[str, str]]:
    try:
        for line in _text(path).splitlines():
            row = json.loads(line)
            yield {"id": str(row["id"]), "text": str(row.get("text") or ""), "title": str(row.get("title") or "")}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadInput("is no catalogue: each line is an object with an id", where=path.name, todo="Check it") from None


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError):
        raise BadInput("cannot be read", where=path.name, todo="Get the file again") from None
