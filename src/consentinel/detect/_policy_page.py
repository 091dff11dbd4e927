"""Writes a policy as a Markdown page for people to read and check."""

from collections.abc import Iterable

from consentinel.detect._policy_file import ACTIONS, PURPOSES, TYPES, Document
from consentinel.detect._policy_rule import Rule

_HEAD = """# The default policy of detect
Generated from `src/consentinel/detect/data/policy.toml` by `Policy.table_markdown()`; a test keeps the two equal.
It is a starting point for counsel, not legal advice. `opt_in`: consent granted before; `opt_out`: allowed until the
person opts out; `nothing`: no consent needed. In each region the first row that fits decides; then the next wider
region is asked.
"""


def page(document: Document, rules: dict[str, tuple[Rule, ...]]) -> str:
    """Return the page for DOCUMENT with its resolved RULES by region."""
    parts = [_HEAD]
    for code, region in document["regions"].items():
        parts.append(f"## {code}: {region.get('name', code)}")
        facts = [f"from {region['from']}"] if "from" in region else []
        facts += [f"Global Privacy Control counts from {region['gpc_from']}"] if "gpc_from" in region else []
        facts += [f"covers {', '.join(region['members'])}"] if region.get("members") else []
        parts.append("; ".join(facts) + "\n" if facts else "")
        parts.append(
            _table(
                ("rule", "data", "action", "purpose", "party", "needs", "from", "basis"), map(_row, rules.get(code, ()))
            )
        )
    parts.append("## What a consent signal has to grant for a purpose")
    signals = ((p, _join(s.get("tcf", [])), _join(s.get("storage", []))) for p, s in document["purpose"].items())
    parts.append(_table(("purpose", "TCF purposes", "Consent Mode"), signals))
    parts.append("## How bad it is when the need is not met")
    levels = ((party, f"`{k}`", level) for party, table in document["severity"].items() for k, level in table.items())
    parts.append(_table(("party", "data", "severity"), levels))
    parts.append("## Storage taken as strictly necessary, by name")
    groups = ((g.get("why", ""), " ".join(f"`{k}`" for k in g["keys"]), g["basis"]) for g in document["necessary"])
    parts.append(_table(("why", "names", "basis"), groups))
    return "\n".join(parts)


def _row(rule: Rule) -> tuple[str, ...]:
    when = f"{rule.start}" + (f" until {rule.until}" if rule.until else "")
    needs = (
        rule.needs + (f" ({_join(rule.legal_bases)})" if rule.legal_bases else "") + (", GPC" if rule.gpc_from else "")
    )
    return (
        rule.id,
        _types(rule.types),
        _some(rule.actions, ACTIONS),
        _some(rule.purposes, PURPOSES),
        rule.party,
        needs,
        when,
        rule.basis,
    )


def _some(chosen: frozenset[str], every: tuple[str, ...]) -> str:
    return "any" if len(chosen) == len(every) else _join(word for word in every if word in chosen)


def _types(chosen: frozenset[str]) -> str:
    if len(chosen) == len(TYPES):
        return "any"
    families = {
        kind.partition(".")[0]: [t for t in TYPES if t.startswith(kind.partition(".")[0] + ".")] for kind in TYPES
    }
    whole = {name for name, kinds in families.items() if len(kinds) > 1 and chosen.issuperset(kinds)}
    rest = [t for t in TYPES if t in chosen and t.partition(".")[0] not in whole]
    return _join([*(f"{name}.\\*" for name in families if name in whole), *rest])


def _join(words: Iterable[object]) -> str:
    return ", ".join(map(str, words))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"
