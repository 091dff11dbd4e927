"""Membership inference: whether rows that a classifier learned from can be told from others (LiRA, RMIA, threshold)."""

from collections.abc import Iterator

import numpy as np

from consentinel.assure.measure import Measure, Plan
from consentinel.assure.private._attacks import Shadows, coins, lira, rmia
from consentinel.assure.private._confidence import confidence
from consentinel.assure.private._pool import Pool, flagged, pool
from consentinel.assure.private._roc import Attack, measures
from consentinel.assure.private._shadowing import shadowed, why_none
from consentinel.assure.subject import MISSING, Subject

__all__ = ["KINDS", "NEEDS", "probe"]

KINDS = ("tabular", "vision", "text", "graph")
NEEDS = ("labels",)
MOST = 20  # times Plan.rows are attacked on either side: asking is cheap, and 0.1% FPR needs 10,000 others
_ATTACKS = ("lira", "lira_offline", "rmia", "rmia_offline")


def probe(subject: Subject, plan: Plan) -> Iterator[Measure]:
    """Yield how well the confidence in the true label tells members, alone and against shadow models.

    Members are the learned rows, others the rows of the data with other inputs; or a column `member` of the data says
    so. Shadow models learn random halves of both together, each row in exactly half of them.
    """
    if "member" in subject.rows.column_names:
        found, none = flagged(subject), "shadow models need the rows that it learned from, not a column `member`"
    elif subject.learned is None or subject.model is None:
        why = "needs the learned rows (--learned) and a model that can be asked of them, or a column `member` (1 or 0)"
        yield Measure("confidence_attack_auc", None, why=why)
        return
    else:
        found, none = pool(subject, MOST * plan.rows, plan.seed), why_none(subject, plan)
    log_p, logit = confidence(found.answers, found.label, subject.positive)
    yield from _told("confidence_attack", logit, found, plan, found.why)
    if none:
        yield from (Measure(f"{name}_auc", None, why=none) for name in _ATTACKS)
        return
    yield from _shadowed(subject, plan, found, log_p, logit)


def _shadowed(subject: Subject, plan: Plan, found: Pool, log_p: np.ndarray, logit: np.ndarray) -> Iterator[Measure]:
    assert found.rows is not None
    inside = coins(plan.shadows // 2 * 2, found.rows.num_rows, plan.seed, "rows")
    signals = shadowed(
        subject, plan, lambda at: found.learned(inside[at]),
        lambda model: np.stack(confidence(found.said(model), found.label, subject.positive)),
    )  # fmt: skip
    mine = inside[:, found.places]
    why = f"{len(mine)} shadow models"
    for name in _ATTACKS:
        online = not name.endswith("offline")
        if name.startswith("lira"):
            scores = lira(logit, Shadows(signals[:, 1], mine), online=online)
        else:
            scores = rmia(log_p, Shadows(signals[:, 0], mine), online=online)
        yield from _told(name, scores, found, plan, why)


def _told(name: str, scores: np.ndarray, found: Pool, plan: Plan, why: str) -> Iterator[Measure]:
    attack = Attack(scores, found.member, found.cluster)
    yield from measures(name, attack, plan, why=why)
    for attribute, groups in found.groups.items():
        missing = groups == MISSING
        if missing[found.member].all():
            yield Measure(f"{name}_auc", None, attribute, why=f"the learned rows do not say their {attribute}")
            continue
        for group in sorted(set(groups.tolist())):
            yield from measures(name, attack.only(groups == group), plan, f"{attribute}={group}")
