"""Decides all fields by source (b), and says which requests carry what by the fields that hold on the scoring half."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from labels.fields import Fields
from labels.gather import Gathered
from labels.randomised import (
    ALONE,
    FEWEST,
    SCORED,
    Claim,
    Draws,
    Field,
    Verdict,
    identifier,
    key_slices,
    present_claims,
    settle,
    single_claims,
)
from labels.shapes import COARSE, DIGEST, PRECISE, SHORT
from labels.traced import HASHED, TYPES

Ints = npt.NDArray[np.int64]

LOW = {
    "cores": "device.hardware",
    "memory": "device.hardware",
    "screen": "device.screen",
    "dpr": "device.screen",
    "languages": "device.locale",
    "timezone": "device.time_zone",
    "webgl": "fingerprint.surface",
    "canvas": "fingerprint.surface",
}
TYPE_OF = {**TYPES, **LOW}
DEVICE = frozenset(LOW) | {"ua_version", "os_version"}
SURFACE = "fingerprint.surface"


@dataclass(slots=True)
class Carried:
    """What source (b) found: requests with the key and type that they carry, and the verdict of every field."""

    request: Ints
    key: Ints
    type: pa.Array
    short: npt.NDArray[
        np.bool_
    ]  # the value has under six characters: something derived, which nobody can follow as a text
    verdicts: dict[int, Verdict]
    picked: pa.Table  # key, visit, value, type, short: what carries, request by request left out


def composite_type(properties: tuple[str, ...]) -> str | None:
    """Return the type of a value made of several properties: their common one, or a fingerprint of the device."""
    kinds = {TYPE_OF[prop] for prop in properties if prop in TYPE_OF}
    if len(kinds) == 1:
        return kinds.pop()
    return SURFACE if set(properties) <= DEVICE else None


def type_of(verdict: Verdict, flags: int) -> str | None:
    """Return the data type of a value in a field with VERDICT, by the property and by what the value looks like."""
    if verdict.kind == "identifier":
        return "device.id"
    if len(verdict.properties) != 1:
        return composite_type(verdict.properties)
    kind = TYPE_OF.get(verdict.properties[0])
    if kind in HASHED and flags & DIGEST:
        return HASHED[kind]
    if kind == "location.precise" and flags & COARSE and not flags & PRECISE:
        return "location.coarse"
    return kind


class Decider:
    """Decides the fields one after another; the tests of all of them are corrected together."""

    def __init__(self, gathered: Gathered, fields: Fields) -> None:
        self.draws, self.fields = Draws(gathered), fields
        self.verdicts: dict[int, Verdict] = {}
        self.keys, self.start = key_slices(fields)
        self.place = {int(key): at for at, key in enumerate(self.keys)}
        begins = (np.diff(fields.key, prepend=-1) != 0) | (np.diff(fields.visit, prepend=-1) != 0)
        group = np.cumsum(begins) - 1
        self.alone = np.bincount(group)[group] == 1  # the only value of its visit

    def rows(self, key: int) -> slice:
        """Return the rows of KEY."""
        at = self.place[key]
        return slice(int(self.start[at]), int(self.start[at + 1]))

    def decide(self) -> dict[int, Verdict]:
        """Test every field on the even repeats and score what is found on the odd ones; return key -> verdict."""
        claims: list[Claim] = []
        for key in self.keys.tolist():
            claims += self._claims(key)
        for key, kept in settle(claims).items():
            self.verdicts[key] = self._scored(key, kept)
        weak = {claim.key for claim in claims if claim.p < 1.0}  # follows as far as it goes, but chance could do that
        for key in {claim.key for claim in claims} - self.verdicts.keys():
            self.verdicts[key] = Verdict(
                "too few visits" if key in weak else "follows no property", even=self._n_even(key)
            )
        self._drop_explained()
        return self.verdicts

    def _n_even(self, key: int) -> int:
        rows = self.rows(key)
        return len(np.unique(self.fields.visit[rows][self.draws.even[self.fields.visit[rows]]]))

    def _is_single(self, rows: slice) -> bool:
        visits = len(np.unique(self.fields.visit[rows]))
        return bool(self.alone[rows].sum() >= ALONE * visits)

    def _claims(self, key: int) -> list[Claim]:
        """Return the tests of one field; a field that needs none gets its verdict here."""
        rows = self.rows(key)
        visit, value = self.fields.visit[rows], self.fields.value[rows]
        if (value == value[0]).all():
            even = self._n_even(key)
            self.verdicts[key] = Verdict("constant" if even > FEWEST else "too few visits", even=even)
            return []
        single = self._is_single(rows)
        keep = self.alone[rows] if single else np.ones(len(visit), bool)
        visit, value = visit[keep], value[keep]
        even = self.draws.even[visit]
        if len(np.unique(visit[even])) < FEWEST:
            self.verdicts[key] = Verdict("too few visits", even=len(np.unique(visit[even])))
            return []
        if not single:
            claims = present_claims(self.draws, key, visit[even], value[even])
            if not claims:
                self.verdicts[key] = Verdict("several values in a visit", even=len(np.unique(visit[even])))
            return claims
        found = identifier(self.draws, visit, value, self.fields.flags[rows][keep], self.fields.again[rows][keep])
        if found is not None:
            self.verdicts[key] = found
            return []
        made = single_claims(self.draws, key, Field(self.draws, visit[even], value[even]))
        if made is None:
            distinct = len(np.unique(value)) == len(value)
            self.verdicts[key] = Verdict(
                "another value in every visit" if distinct else "too few visits", even=int(even.sum())
            )
        return made or []

    def _scored(self, key: int, kept: list[Claim]) -> Verdict:
        """Score the claims of one field on the odd repeats and return its verdict."""
        rows = self.rows(key)
        visit, value = self.fields.visit[rows], self.fields.value[rows]
        if kept[0].kind == "present":
            return self._score_present(kept, visit, value)
        visit, value = visit[self.alone[rows]], value[self.alone[rows]]
        verdicts = [self._score_single(claim, visit, value) for claim in kept]
        good = [verdict for verdict in verdicts if verdict.carries]
        if not good:
            return max(verdicts, key=lambda verdict: verdict.kind.startswith("too few"))
        if len(good) > 1 and all(verdict.kind == "reveals" for verdict in good):
            names = tuple(sorted(prop for verdict in good for prop in verdict.properties))
            least = min(good, key=lambda verdict: verdict.odd)
            return Verdict(
                "composite", names, max(v.p for v in good), least.even, least.odd, least.right, least.mapping
            )
        if len({TYPE_OF.get(verdict.properties[0]) for verdict in good}) > 1:
            return Verdict(
                "several properties explain it",
                tuple(v.properties[0] for v in good),
                good[0].p,
                good[0].even,
                good[0].odd,
            )
        return min(good, key=lambda verdict: verdict.p)

    def _score_single(self, claim: Claim, visit: Ints, value: Ints) -> Verdict:
        even = self.draws.even[visit]
        level = self.draws.level[visit, claim.prop]
        known, told = (level, value) if claim.kind == "follows" else (value, level)
        counts: dict[int, Counter[int]] = defaultdict(Counter)
        for source, target in zip(known[even].tolist(), told[even].tolist(), strict=True):
            counts[source][target] += 1
        mapping = {source: targets.most_common(1)[0][0] for source, targets in counts.items()}
        predicted = [
            (mapping[s], t) for s, t in zip(known[~even].tolist(), told[~even].tolist(), strict=True) if s in mapping
        ]
        right = sum(guess == truth for guess, truth in predicted)
        kind = claim.kind
        if len(predicted) < 2:
            kind = "too few visits in the scoring half"
        elif right < SCORED * len(predicted):
            kind = "fails on the scoring half"
        return Verdict(kind, (self.draws.names[claim.prop],), claim.p, int(even.sum()), len(predicted), right, mapping)

    def _score_present(self, kept: list[Claim], visit: Ints, value: Ints) -> Verdict:
        even = self.draws.even[visit]
        by_prop: dict[int, list[Claim]] = defaultdict(list)
        for claim in kept:
            by_prop[claim.prop].append(claim)
        best = Verdict("fails on the scoring half", even=len(np.unique(visit[even])))
        for prop, claims in by_prop.items():
            mapping: dict[int, frozenset[int]] = {}
            odd = right = 0
            for claim in claims:
                mine = value == claim.value
                levels = frozenset(self.draws.level[visit[mine & even], prop].tolist())
                scored = self.draws.level[visit[mine & ~even], prop].tolist()
                odd += len(scored)
                right += sum(level in levels for level in scored)
                mapping[claim.value] = levels
            if len(set(mapping.values())) >= 2 and odd >= 2 and right >= SCORED * odd and right > best.right:
                best = Verdict(
                    "present", (self.draws.names[prop],), max(c.p for c in claims), best.even, odd, right, mapping
                )
        return best

    def _drop_explained(self) -> None:
        """A text whose tokens already carry its properties, such as a user agent, is no fingerprint of its own."""
        tokens: dict[tuple[int, int, str], set[str]] = defaultdict(set)
        names = self.fields.key_of
        for key, verdict in self.verdicts.items():
            path = self.fields.paths[names["field"][key]]
            if verdict.carries and "#" in path:
                tokens[int(names["component"][key]), int(names["host"][key]), path.rpartition("#")[0]] |= set(
                    verdict.properties
                )
        for key, verdict in self.verdicts.items():
            base = (int(names["component"][key]), int(names["host"][key]), self.fields.paths[names["field"][key]])
            if verdict.kind == "composite" and set(verdict.properties) <= tokens.get(base, set()):
                self.verdicts[key] = Verdict(
                    "explained by its tokens", verdict.properties, verdict.p, verdict.even, verdict.odd, verdict.right
                )

    def carried(self) -> Carried:
        """Return which requests carry what: those whose value is the one that the field's verdict calls for."""
        keep: list[int] = []
        kinds: list[str] = []
        for key, verdict in self.verdicts.items():
            if not verdict.carries:
                continue
            rows = self.rows(key)
            fits = self._fits(verdict, rows)
            for at in (np.flatnonzero(fits) + rows.start).tolist():
                if (kind := type_of(verdict, int(self.fields.flags[at]))) is not None:
                    keep.append(at)
                    kinds.append(kind)
        columns = {name: getattr(self.fields, name)[keep] for name in ("key", "visit", "value")}
        short = self.fields.flags[keep] & SHORT > 0
        picked = pa.table({**columns, "type": pa.array(kinds, pa.string()), "short": short})
        with duckdb.connect() as engine:
            engine.execute("set memory_limit = '3GB'; set threads = 1")
            engine.register("picked", picked)
            engine.register("leaves", self.fields.leaves)
            rows = engine.sql(
                "select distinct request, key, type, short from leaves join picked using (key, visit, value)"
                " order by all"
            ).to_arrow_table()
        request, at_key = (rows[name].to_numpy().astype(np.int64) for name in ("request", "key"))
        return Carried(request, at_key, rows["type"].combine_chunks(), rows["short"].to_numpy(), self.verdicts, picked)

    def _fits(self, verdict: Verdict, rows: slice) -> npt.NDArray[np.bool_]:
        value, visit = self.fields.value[rows], self.fields.visit[rows]
        if verdict.kind in ("identifier", "composite", "reveals"):
            return np.ones(len(value), bool)
        level = self.draws.level[visit, self.draws.names.index(verdict.properties[0])]
        if verdict.kind == "follows":
            return np.asarray(
                [verdict.mapping.get(lv) == v for lv, v in zip(level.tolist(), value.tolist(), strict=True)], bool
            )
        return np.asarray(
            [lv in verdict.mapping.get(v, ()) for lv, v in zip(level.tolist(), value.tolist(), strict=True)], bool
        )
