"""The steps of `detect scan`: prepare what was asked, read and judge, report."""

import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core import contracts
from consentinel.core.contracts import CollectorPart
from consentinel.core.errors import ConsentinelError, MissingExtra, UsageError
from consentinel.core.mask import project_key
from consentinel.core.modelfile import ModelFile
from consentinel.core.run import Outcome, Run
from consentinel.core.tables import CALLS, CONSENT, DATA, EVIDENCE, FINDINGS, TRAFFIC, VISITS, check
from consentinel.detect import choice_not_kept, claimed_by_model
from consentinel.detect.collectors._batch import Batch, Options
from consentinel.detect.collectors._open import safe_name
from consentinel.detect.difference import Differences, compare
from consentinel.detect.judge import Judge
from consentinel.detect.judges._claim_rows import ClaimFields
from consentinel.detect.modelled import applied, claim_judge, datum_judge, drifted, purpose_judge
from consentinel.detect.observe import Observer
from consentinel.detect.pipeline import Pipeline, Tally, inputs
from consentinel.detect.planted import read_planted
from consentinel.detect.policy import Policy, load
from consentinel.detect.purposes import Purposes
from consentinel.detect.reports import terminal
from consentinel.detect.reports._result import SEVERITIES, Baseline, Facts, Result, ranked, read_baseline
from consentinel.detect.reviews.memory import Memory, recall, reviews_at
from consentinel.detect.reviews.standing import BACK, CLOSED, Standing, standings
from consentinel.detect.reviews.standing import table as standing_table
from consentinel.detect.shelves import COLLECTORS, REPORTS, RULES, SIGNALS, SURFACES
from consentinel.detect.sightings import Sighter
from consentinel.detect.sources import assigned

__all__ = ["Plan", "Scanned", "prepare", "report", "scan"]


STOPPED = 130  # what a shell reports for a program that Ctrl-C stopped


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that was asked for, checked before any traffic is read."""

    files: list[Path]
    collectors: list[CollectorPart[Options, Batch]]
    policy: Policy
    observer: Observer
    judge: Judge
    reports: list[str]
    columns: dict[str, str]
    known: frozenset[str] | None
    key: bytes
    memory: Memory | None = None  # what reviewers decided
    claims: tuple[contracts.Judge, ModelFile] | None = None  # of claims, with its model; None: no models


@dataclass(frozen=True, slots=True)
class Scanned:
    """What reading and judging gave."""

    findings: pa.Table
    visits: pa.Table
    consent: pa.Table
    evidence: pa.Table
    tally: Tally
    differences: Differences | None = None
    verdicts: str = ""  # what models changed, and what is not claimed
    drift: tuple[str, ...] = ()  # how far the traffic is what the models were trained on


def prepare(
    run: Run,
    traffic: list[Path],
    *,
    planted: Path | None,
    policy: Path | None,
    region: str,
    columns: str,
    rules: str,
    formats: str,
    baseline: Path | None,
    reviews: str,
    models: str,
    keep_raw: bool,
    project_key_file: Path,
) -> Plan:
    """Check every argument and load what it names; nothing is read of the traffic yet."""
    if keep_raw:  # before any work is done
        from consentinel.core.extras import need

        need("cryptography.hazmat.primitives.ciphers.aead", extra="vault")
    loaded = load(run.read(policy) if policy else None, region=region)
    run.assume(policy=policy.name if policy else "default", policy_digest=loaded.digest, region=region)
    wanted = [RULES.take(name) for name in RULES.choose(rules)]
    collectors = [COLLECTORS.take(name) for name in COLLECTORS.names()]
    memory = _recalled(run, reviews) if reviews else None
    claims = claim_judge(run, models)
    key = project_key(project_key_file)
    observer = Observer(
        key,
        [SURFACES.take(name) for name in SURFACES.names()],
        [SIGNALS.take(name) for name in SIGNALS.names()],
        read_planted(run.read(planted)) if planted else None,
        datum_judge(run, models),
    )
    sighter, purposes = Sighter(loaded, region=region), purpose_judge(run, models)
    return Plan(
        files=inputs(traffic, tuple(s for part in collectors for s in part.SUFFIXES)),
        collectors=collectors,
        policy=loaded,
        observer=observer,
        judge=Judge(
            sighter, wanted, ClaimFields() if claims else None, Purposes(purposes, sighter) if purposes else None
        ),
        reports=REPORTS.choose(formats),
        columns=_column_map(columns, [field for part in collectors for field in getattr(part, "FIELDS", ())]),
        known=read_baseline(run.read(baseline) if baseline.is_file() else baseline) if baseline else None,
        key=key,
        memory=memory,
        claims=claims,
    )


def _recalled(run: Run, reviews: str) -> Memory:
    with reviews_at(reviews, make=False) as state:
        memory = recall(state)
    run.assume(reviews=state.name, decisions=len(memory.journal))
    return memory


def _column_map(text: str, fields: list[str]) -> dict[str, str]:
    pairs = [piece.partition("=") for piece in text.split(",") if piece.strip()]
    for name, _, column in pairs:
        if not column:
            raise UsageError(f"--columns: '{name}' should be field=column, for example url=request_url")
        if name.strip() not in fields:
            near = get_close_matches(name.strip(), fields, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there is: {', '.join(dict.fromkeys(fields))}"
            raise UsageError(f"--columns: unknown field '{name.strip()}'; {hint}")
    return {name.strip(): column.strip() for name, _, column in pairs}


def scan(run: Run, plan: Plan, *, scenario: str, region: str, keep_raw: bool) -> Scanned:
    """Read all files, judge the whole visits, and keep the tables.

    A file that cannot be read is told in the notes and the others go on; Ctrl-C ends the reading, and what was whole
    by then is judged and kept.
    """
    kept: dict[str, list[pa.Table]] = {"visits": [], "consent": []}
    units = assigned(plan.files, plan.collectors, Options(columns=plan.columns, key=plan.key))
    with ExitStack() as stack:
        schemas = {"visits": VISITS, "traffic": TRAFFIC, "data": DATA, "calls": CALLS, "consent": CONSENT}
        put = {name: stack.enter_context(run.writer(name, schema)) for name, schema in schemas.items()}
        pipeline = Pipeline(plan.observer, plan.judge, put | _remembering(put, kept), run.notes)

        sealed: set[Path] = set()

        def one(path: Path) -> None:
            part, beside = units[path]
            options = Options(
                file_no=pipeline.tally.files + pipeline.tally.unreadable,
                scenario=scenario,
                region=None if region == "EU" else region,
                columns={name: column for name, column in plan.columns.items() if name in getattr(part, "FIELDS", ())},
                key=plan.key,
                beside=beside,
            )
            for file in (path, *beside):
                run.read(file)
            pipeline.file(path, part, options)
            for file in (path, *beside) if keep_raw else ():
                _seal(run, file, plan.key, sealed)

        try:
            _each_readable(run, list(units), one, pipeline.tally)
        except KeyboardInterrupt:
            run.interrupted = True
            run.note(f"stopped by the user after {pipeline.tally.files} of {len(units)} files")
        pipeline.flush()
    findings = check(plan.judge.findings(run.run_id), FINDINGS, "detect.scan")
    evidence = run.stamp(check(plan.judge.evidence(), EVIDENCE, "detect.scan"))
    visits, consent = (
        pa.concat_tables([s.empty_table(), *kept[n]]).unify_dictionaries()
        for n, s in (("visits", VISITS), ("consent", CONSENT))
    )
    more = [choice_not_kept.claims(visits, plan.policy, run.run_id)]
    compared = compare(run.out, visits, consent, findings, plan.judge.sighter, run.run_id)
    if compared is not None:
        differences, found, behind = compared
        more.append((found, behind))
        run.keep("differences", differences.claims)
        run.keep("refusals", differences.refusals)
        run.notes.extend(differences.notes)
    if any(found.num_rows for found, _ in more):
        findings = ranked(pa.concat_tables([findings, *(found for found, _ in more)]).unify_dictionaries())
        records = [run.stamp(check(behind, EVIDENCE, "detect.scan")) for _, behind in more]
        evidence = pa.concat_tables([evidence, *records]).unify_dictionaries()
    told, drift = "", ()
    if plan.claims is not None and plan.judge.fields is not None:
        rows = plan.judge.fields.rows(findings, plan.judge.sighter.judged)
        findings, claims, told = applied(findings, rows, plan.claims[0])
        findings, added, behind = claimed_by_model.findings(claims, findings, run.out, plan.judge.sighter, run.run_id)
        if added.num_rows:
            findings = ranked(pa.concat_tables([findings, added]).unify_dictionaries())
            evidence = pa.concat_tables([evidence, run.stamp(behind)]).unify_dictionaries()
        run.keep("claims", claims)
        told += f"; {added.num_rows:,} violations that no rule claims"
        run.assume(verdicts=told)
        drift = drifted(run, plan.claims[1], claims)
    elif run.assumed("datum_model"):
        drift = drifted(run)
    passing = plan.judge.page_load_ids.n
    run.assume(page_load_ids=passing)
    if passing:
        told = "; ".join([*filter(None, [told]), f"{passing:,} identifiers of one page load only are not claimed"])
    run.keep("findings", findings)
    run.keep("evidence", evidence)
    return Scanned(findings, visits, consent, evidence, pipeline.tally, compared and compared[0], told, drift)


def _remembering(
    put: dict[str, Callable[[pa.Table], None]], kept: dict[str, list[pa.Table]]
) -> dict[str, Callable[[pa.Table], None]]:
    """The small tables that reports show are also remembered."""

    def both(name: str) -> Callable[[pa.Table], None]:
        def write(table: pa.Table) -> None:
            kept[name].append(table)
            put[name](table)

        return write

    return {name: both(name) for name in kept}


def _each_readable(run: Run, files: list[Path], one: Callable[[Path], None], tally: Tally) -> None:
    """Read each file; one that cannot be is told in the notes. Raises the error when there is nothing else."""
    last: Exception | None = None
    for path in run.each(files, "reading"):
        try:
            one(path)
        except (MissingExtra, OSError, MemoryError):  # of this machine, not of the file: a full disk, say
            raise
        except Exception as why:  # a fault of ours in one file must not cost what the others hold
            tally.unreadable += 1
            last = why
            fault = f"{safe_name(path)}: not read: a fault in the program ({type(why).__name__}); please report it"
            run.note(str(why) if isinstance(why, ConsentinelError) else fault)
    if last is not None and not tally.files and not tally.visits:
        raise last


def _seal(run: Run, path: Path, key: bytes, sealed: set[Path]) -> None:
    from consentinel.core.vault import seal

    folder = run.out / "raw"
    folder.mkdir(exist_ok=True)
    name, copies = path.name.removesuffix(".vault"), 1
    while (target := folder / (f"{copies}-{name}.vault" if copies > 1 else f"{name}.vault")) in sealed:
        copies += 1  # files of one name from two folders
    seal(path, target, key)
    sealed.add(target)


def report(run: Run, plan: Plan, scanned: Scanned, *, fail_on: str) -> Outcome:
    """Write the reports that were asked for and decide the exit code."""
    tally = scanned.tally
    fingerprints = set(scanned.findings["fingerprint"].to_pylist())
    compared = None
    if plan.known is not None:
        compared = Baseline(plan.known, tuple(sorted(plan.known - fingerprints)))
    import time

    from consentinel import __version__

    facts = Facts(
        n_files=tally.files, n_visits=tally.visits, n_requests=tally.requests, n_data=tally.data,
        n_typed=tally.typed, n_recipients=len(tally.recipients), seconds=time.time() - run.started,
        started=int(run.started * 1e6), version=__version__, policy_name=str(run.assumed("policy")),
        policy_region=str(run.assumed("region")), notes=(*run.notes, *filter(None, [scanned.verdicts]), *scanned.drift),
    )  # fmt: skip
    stand = None
    if plan.memory is not None:
        stand = standings(scanned.findings, plan.memory, model=str(run.assumed("models") or ""))
        run.keep("reviewed", standing_table(stand.items()))
    result = Result(
        scanned.findings, scanned.visits, scanned.consent, scanned.evidence, facts, compared,
        differences=scanned.differences, reviews=stand,
    )  # fmt: skip
    written = {}
    for name in plan.reports:
        if name != "parquet":  # kept as a table already
            written[name] = run.kept(REPORTS.take(name).write(result, run.out))
    page = written.get("html")
    width = shutil.get_terminal_size((100, 24)).columns
    text = terminal.render(result, width, sys.stdout.isatty(), str(page or run.out))
    incomplete = bool(run.notes) or not tally.requests
    code = exit_code(scanned.findings, fail_on, plan.known, incomplete=incomplete, reviews=stand or {})
    code = STOPPED if run.interrupted else code
    return Outcome(run, code, written | {"findings": run.out / "findings.parquet"}, text)


def exit_code(
    findings: pa.Table,
    fail_on: str,
    known: frozenset[str] | None,
    *,
    incomplete: bool = False,
    reviews: Mapping[str, Standing] = MappingProxyType({}),
) -> int:
    """Return 1 for a new potential violation at or above FAIL_ON, 3 when only undecided ones are new, else 0.

    INCOMPLETE says that something could not be read, or that there was nothing to read: such a scan is not clean.
    REVIEWS say where findings stand: one that is closed does not count, an undecided one that was confirmed counts as a
    violation, and one whose decision no longer holds counts even where the baseline has it.
    """

    def standing(*statuses: str) -> pa.Array:
        ids = [finding for finding, stands in reviews.items() if stands.status in statuses]
        return pc.is_in(findings["finding_id"], value_set=pa.array(ids, pa.string()))

    if known is not None:
        new = pc.invert(pc.is_in(findings["fingerprint"], value_set=pa.array(sorted(known), pa.string())))
        findings = findings.filter(pc.or_(new, standing(*BACK)))
    findings = findings.filter(pc.invert(standing(*CLOSED)))
    confirmed = standing("violation")
    outcome = pc.if_else(confirmed, "potential violation", findings["outcome"].cast(pa.string()))
    if fail_on == "never":
        return 0
    grave = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    severe = pc.is_in(findings["severity"].cast(pa.string()), value_set=pa.array(grave))
    if pc.any(pc.and_(pc.equal(outcome, "potential violation"), severe)).as_py():
        return 1
    return 3 if incomplete or "no signal" in outcome.to_pylist() else 0
