"""From sightings to findings: run the rules, keep the strongest claim on each row, group equal claims."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import codes, floats, ints, labels, relabel
from consentinel.core.contracts import RulePart
from consentinel.core.tables import EVIDENCE, FINDINGS, check
from consentinel.detect import grouping
from consentinel.detect.explain import explain
from consentinel.detect.fingerprints import finding_id, fingerprint
from consentinel.detect.judges._claim_rows import ClaimFields
from consentinel.detect.page_load_ids import PageLoadIds
from consentinel.detect.purposes import Purposes
from consentinel.detect.sightings import SAID, SIGHTINGS, Sighter

__all__ = ["OUTCOMES", "PROOF_BITS", "SEVERITIES", "Judge", "judge_visits"]

PROOF_BITS = 64
GROUPS_HELD = 20_000  # groups of single batches that are kept before they are brought together
OUTCOMES = ("potential violation", "no signal", "allowed")
SEVERITIES = ("critical", "high", "medium", "low")


class Judge:
    """Judges batches of whole visits; `findings` returns what all batches together claim."""

    def __init__(
        self, sighter: Sighter, rules: list[RulePart], fields: ClaimFields | None = None,
        purposes: Purposes | None = None,
    ) -> None:  # fmt: skip
        self.sighter = sighter
        self.fields = fields  # gathers what models judge; None: no models
        self.purposes = purposes  # of recipients that nobody knows; None: no models
        self.page_load_ids = PageLoadIds()
        # A contradiction of a decoded signal says more than a data type alone: such rules claim a row first.
        self.rules = sorted(rules, key=lambda rule: (rule.PROOF, rule.__name__))
        self._groups: list[pa.Table] = []
        self._evidence: list[pa.Table] = []

    def batch(self, visits: pa.Table, traffic: pa.Table | None, data: pa.Table, consent: pa.Table) -> None:
        """Judge whole visits: their DATA and CONSENT, and TRAFFIC for where in the code a request came from."""
        seen = self.page_load_ids.without(self.sighter.join(visits, data, consent), data, consent, traffic)
        if self.fields is not None:
            self.fields.batch(seen, data)
            seen = seen.filter(pc.fill_null(pc.greater_equal(seen["type_p"], SAID), True))
        claims, rule = self._claims(seen)
        if claims.num_rows:
            needs = self.sighter.requirements
            first: dict[tuple[str, str], int] = {}
            alike = np.array([first.setdefault((r.needs, r.basis), i) for i, r in enumerate(needs)])
            rank = np.array([SEVERITIES.index(r.severity) for r in needs])
            groups, evidence = grouping.partial(claims, rule, alike, rank, data, traffic)
            self._groups.append(groups)
            self._evidence.append(evidence)
            held = sum(table.num_rows for table in self._groups[1:])
            if held > max(GROUPS_HELD, self._groups[0].num_rows):
                self._fold()

    def _fold(self) -> None:
        """Bring what batches gave together: memory grows with findings, not with batches, and so does the work."""
        groups, evidence = grouping.merge(self._groups), pa.concat_tables([EVIDENCE.empty_table(), *self._evidence])
        self._groups, self._evidence = [groups], [grouping.used(evidence.unify_dictionaries(), groups)]

    def _claims(self, seen: pa.Table) -> tuple[pa.Table, np.ndarray]:
        """The rows that rules claim, as they tell them, and by which rule; each row by the first that claims it."""
        start = seen["row"].to_numpy()
        free = np.ones(seen.num_rows, bool)
        tables, numbers = [seen.slice(0, 0)], [np.zeros(0, np.int64)]
        for number, rule in enumerate(self.rules if seen.num_rows else ()):
            claimed = check(rule.find(seen), SIGHTINGS, rule.__name__)
            at = np.searchsorted(start, claimed["row"].to_numpy())
            mine = free[at]
            free[at] = False
            tables.append(claimed if mine.all() else claimed.filter(pa.array(mine)))
            numbers.append(np.full(tables[-1].num_rows, number, np.int64))
        return pa.concat_tables(tables).unify_dictionaries().combine_chunks(), np.concatenate(numbers)

    def evidence(self) -> pa.Table:
        """Return the EVIDENCE that the findings point to."""
        self._fold()
        return self._evidence[0]

    def findings(self, run_id: str = "") -> pa.Table:
        """Return all claims so far as FINDINGS: potential violations first, the most severe first."""
        self._fold()
        groups = self._groups[0]
        if not groups.num_rows:
            return FINDINGS.empty_table()
        told = self._told(groups)
        by_weight = [_rank(told["severity"], SEVERITIES), _rank(told["outcome"], OUTCOMES)]
        order = pa.array(np.lexsort((-ints(groups["n"]), _rank(told["proof"]), _rank(told["rule"]), *by_weight)))
        n = groups.num_rows
        columns: dict[str, pa.Array | pa.ChunkedArray] = {
            c: groups[c] for c in groups.schema.names if c in FINDINGS.names
        }
        columns |= told | {
            "run_id": relabel(np.zeros(n, np.int64), [run_id]),
            "finding_id": pa.array([finding_id(run_id, text) for text in told["identity"].to_pylist()]),
            "fingerprint": pa.array([fingerprint(text) for text in told["same"].to_pylist()]),
            "p": pa.array(floats(groups["p"]).astype(np.float32), mask=floats(groups["p"]) == 0),
            "n_subjects": pa.nulls(n, pa.int64()),
            "explanation": pa.nulls(n, pa.string()),
        }
        table = pa.table([columns[f.name] for f in FINDINGS], schema=FINDINGS).take(order)
        at = FINDINGS.get_field_index("explanation")
        return table.set_column(at, FINDINGS.field(at), explain(table))

    def _told(self, groups: pa.Table) -> dict[str, pa.Array]:
        """Outcome, proof, severity, basis and rule of each group, and the texts that its ids are hashed from."""
        rule, requirement = ints(groups["rule"]), ints(groups["requirement"])
        needs = self.sighter.requirements
        state = np.array(labels(groups["consent_state"]))[codes(groups["consent_state"])]
        free = np.array([r.needs == "nothing" for r in needs])[requirement]
        # Where the law allows until somebody opts out, a visit that shows no opt-out is allowed; a signal that could
        # not be read may have been one.
        free |= np.array([r.needs == "opt_out" for r in needs])[requirement] & (state == "none")
        outcome = np.where(free | (state == "granted"), 2, np.where(np.isin(state, ["none", "unreadable"]), 1, 0))
        proved = ints(groups["bits"]) >= PROOF_BITS
        proofs = ["P0", *(r.PROOF for r in self.rules)]
        names = [r.__name__.rpartition(".")[2] for r in self.rules]
        told = {
            "rule": relabel(rule, names),
            "rule_version": relabel(rule, [r.VERSION for r in self.rules]),
            "basis": relabel(requirement, [r.basis for r in needs]).cast(pa.string()),
            "outcome": relabel(outcome, list(OUTCOMES)),
            "proof": relabel(np.where(proved, 0, rule + 1), proofs),
            "severity": relabel(
                np.where(outcome == 0, ints(groups["severity"]), len(SEVERITIES) - 1), list(SEVERITIES)
            ),
            "location": groups["location"].cast(pa.string()),
        }
        # Not in it: the version of the rule, counts, times and the basis, so that a baseline still knows the finding.
        parts = [
            told["rule"].cast(pa.string()),
            *(groups[c].cast(pa.string()).combine_chunks() for c in grouping.GROUPED_BY),
        ]
        same = _joined(parts)
        return told | {
            "same": same,
            "identity": _joined([same, pa.array(requirement).cast(pa.string()), told["outcome"].cast(pa.string())]),
        }


def _joined(parts: list[pa.Array]) -> pa.Array:
    """Join columns of text with |; null is written as nothing."""
    return pc.binary_join_element_wise(*parts, "|", null_handling="replace", null_replacement="")


def _rank(column: pa.Array, order: tuple[str, ...] | None = None) -> np.ndarray:
    """The place of each label in ORDER, or in alphabetical order."""
    names = labels(column)
    known = list(order or sorted(names))
    return np.array([known.index(name) for name in names])[codes(column)]


def judge_visits(
    visits: pa.Table,
    traffic: pa.Table | None,
    data: pa.Table,
    consent: pa.Table,
    sighter: Sighter,
    rules: list[RulePart],
) -> pa.Table:
    """Return the FINDINGS of whole visits in one call."""
    judge = Judge(sighter, rules)
    judge.batch(visits, traffic, data, consent)
    return judge.findings()
