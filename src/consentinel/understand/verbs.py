"""Verbs of understand: what a person can ask of incidents, reviews, requests and policies."""

from pathlib import Path
from typing import Any, Literal

from consentinel.core.run import Outcome, Run
from consentinel.core.state import shown

__all__ = ["ask", "classify", "diagnose", "experiment", "forecast", "group", "ingest", "recommend", "tell", "triage"]


def ask(
    question: str,
    *,
    tables: list[Path] | None = None,
    out: Path = Path("runs/ask"),
    sql: bool = False,
    model: str = "none",
    rows: int = 1000,
    seconds: float = 30.0,
    memory_mb: int = 1024,
    today: str = "",
) -> Outcome:
    """Answer a question about the tables of runs with its SQL, its rows and a sentence, or say why not.

    Ends in 3 when the question is refused; questions that can be answered are then named.

    Args:
        question: in plain words, or with --sql one SELECT as DuckDB writes it
        tables: folders of runs or .parquet files; runs/ingest where none is named
        out: folder for the answer and run.json
        sql: the question is SQL
        model: none; local, a small model on this machine; or the URL of an interface like that of OpenAI
        rows: most rows of an answer
        seconds: most seconds that a question may take
        memory_mb: most memory that a question may take, in MB
        today: day that last month and the like count from, YYYY-MM-DD; today where none is named
    """
    asked: dict[str, Any] = dict(locals()) | {"tables": tables or [Path("runs/ingest")]}
    from consentinel.understand.asking import verb

    named = model if model in ("none", "local") else "endpoint"  # a URL may hold names of hosts
    with Run.open("understand.ask", asked.pop("out"), **asked | {"model": named}) as run:
        return verb.ask(run, **asked)


def classify(
    texts: Path,
    *,
    out: Path = Path("runs/classify"),
    labels: str = "labels",
    text: str = "text",
    group: str = "",
    time: str = "",
    taxonomy: str = "",
    classifier: Literal["auto", "blend", "encoder", "tfidf_linear"] = "auto",
    model: Path | None = None,
    level: float = 0.9,
    folds: int = 5,
    queue: int = 50,
    seed: int = 0,
) -> Outcome:
    """Learn the classes of texts from labels, say how well, and give each text its classes, a chance and a set.

    Args:
        texts: folder of an ingest, or a Parquet, CSV or JSONL file of texts
        out: folder for the classes, measures, labels in doubt, the queue, the model, the page and run.json
        labels: column of labels that people gave: a list, texts separated by |, or spans, a list of {label, start,
            end}, for parts of a text; null where nobody looked
        text: column of texts
        group: column whose equal rows stay together where it is examined; equal texts always do
        time: column of times: newer labels weigh more, half for each year, and are examined by what came before
        taxonomy: veris, dpv_data, fides_data, opp115, or a TOML file of classes with parents; else the labels found
        classifier: part of understand/classifiers that learns; auto takes the best that is installed
        model: classifier.safetensors or marker.safetensors of an earlier run; nothing is learnt then
        level: chance with which a set holds the true class
        folds: parts that the labelled texts are split into, to examine on what was not trained on
        queue: texts to name for review next
        seed: number that the folds follow
    """
    asked = dict(locals())
    from consentinel.understand.classifying import verb

    with Run.open("understand.classify", asked.pop("out"), **asked) as run:
        return verb.classify(run, asked.pop("texts"), folds_=asked.pop("folds"), **asked)


def diagnose(
    table: Path,
    *,
    dimensions: str,
    out: Path = Path("runs/diagnose"),
    date: str = "opened",
    weight: str = "",
    total: str = "",
    step: Literal["day", "week", "month"] = "day",
    at: str = "",
    before: int = 28,
    after: int = 14,
    depth: int = 2,
    alarm: float = 0.02,
    level: float = 0.95,
    draws: int = 999,
    seed: int = 0,
) -> Outcome:
    """Find what moved: which values of which columns explain why a count or a rate changed, or that nothing did.

    Args:
        table: Parquet, CSV or JSONL file of dated rows, or the folder of a run that kept incidents
        dimensions: columns to look into, separated by commas, for example sdk,version,country
        out: folder for the causes, the page and run.json
        date: column of days
        weight: column of how many a row counts; 1 where none is named
        total: column that counts are divided by, for a rate
        step: what is compared with its like
        at: first day of what is compared, YYYY-MM-DD; found as the last change of level where it is not named
        before: steps before it
        after: steps from it on
        depth: columns that a cause may name together, 1 or 2
        alarm: chance of naming a cause when nothing moved
        level: confidence level of each interval
        draws: exchanges of steps that the chance is read from
        seed: number that they follow
    """
    asked = dict(locals())
    from consentinel.understand.diagnosing import verb

    with Run.open("understand.diagnose", asked.pop("out"), **asked) as run:
        return verb.diagnose(run, asked.pop("table"), **asked)


def experiment(
    table: Path | None = None,
    *,
    out: Path = Path("runs/experiment"),
    method: str = "welch",
    outcome: str = "",
    arm: str = "arm",
    control: str = "control",
    treated: str = "",
    before: str = "",
    denominator: str = "",
    cluster: str = "",
    after: str = "",
    adjust: str = "",
    share: float = 0.5,
    level: float = 0.95,
    seed: int = 0,
    effect: float = 0.0,
    deviation: float = 0.0,
    rate: float = 0.0,
    power: float = 0.8,
    size: int = 1,
    correlation: float = 0.0,
) -> Outcome:
    """Read an experiment by one method, with what it assumes checked; without a table, plan one.

    Ends in 3 when the arms do not have the planned sizes: such an experiment decides nothing.

    Args:
        table: Parquet, CSV or JSONL file with a row for each unit or visit; none to plan
        out: folder for the effects, the checks, the page and run.json
        method: part of understand/experiments that reads
        outcome: columns that treatment may change, separated by commas
        arm: column that says who was treated
        control: its value for those who were not
        treated: its value for those who were; found where there is one other
        before: column of the same outcome before the experiment (cuped)
        denominator: column that outcomes are divided by (ratio)
        cluster: column of the units that rows belong to, or of the groups that were assigned
        after: column of 0 before the start and 1 after it (difference_in_differences)
        adjust: columns of covariates, separated by commas (regression)
        share: planned share of units that are treated
        level: confidence level of each interval
        seed: number that resampling follows
        effect: difference to plan for
        deviation: standard deviation of the outcome, to plan with
        rate: the control's rate of an outcome that is 0 or 1, to plan with in place of a deviation
        power: chance with which the effect should be told from zero
        size: units in a cluster, to plan with
        correlation: of units in a cluster, to plan with
    """
    asked = dict(locals())
    from consentinel.understand.experimenting import verb

    with Run.open("understand.experiment", asked.pop("out"), **asked) as run:
        return verb.experiment(run, **asked)


def forecast(
    table: Path,
    *,
    out: Path = Path("runs/forecast"),
    date: str = "opened",
    segment: str = "",
    weight: str = "",
    step: Literal["day", "week", "month"] = "week",
    until: str = "",
    horizon: int = 8,
    level: float = 0.9,
    rate: float = 0.05,
    forecasters: str = "",
    most: int = 6,
    what: str = "incidents",
    seed: int = 0,
) -> Outcome:
    """Forecast counts by day, week or month, with intervals, changes of level, what stands out, and a posture line.

    Args:
        table: Parquet, CSV or JSONL file of dated rows, or the folder of a run that kept incidents
        out: folder for the forecasts, changes, back-tests, the page, the posture and run.json
        date: column of days
        segment: column whose values are also forecast one by one
        weight: column of how many a row counts; 1 where none is named
        step: what is counted together
        until: day from which rows are left out, YYYY-MM-DD; a step that it cuts is left out too
        horizon: steps ahead, up to 60
        level: share of counts that intervals should hold
        rate: share of chance among the steps that are said to stand out
        forecasters: parts of understand/forecasters, separated by commas; those that need no further install where
            none is named
        most: segments that are forecast, the largest
        what: word for what is counted, in the posture line
        seed: number that simulation follows
    """
    asked = dict(locals())
    from consentinel.understand.forecasting import verb

    with Run.open("understand.forecast", asked.pop("out"), **asked) as run:
        return verb.forecast(run, asked.pop("table"), **asked)


def group(
    table: Path,
    *,
    out: Path = Path("runs/group"),
    feedback: str = "",
    verdicts: Path | None = None,
    topics: str = "auto",
    threshold: float = 0.7,
    duplicates: float = 0.7,
    embedding: Literal["lsa", "minilm"] = "lsa",
    outliers: bool = False,
    seed: int = 0,
) -> Outcome:
    """Find near-duplicates, link reports of one incident, and name the topics that hold, each with what speaks for it.

    Args:
        table: run of ingest, or one of its tables of incidents or texts
        out: folder for the links, groups, topics, the page and run.json
        feedback: file (or postgresql://) that keeps what people merged and split, and that links learn from
        verdicts: CSV file of what they decided now: left, right, verdict (merge, split or undo)
        topics: how many topics; auto takes as many as hold, 0 none
        threshold: probability from which a link stands without a person
        duplicates: Jaccard similarity of phrases from which two texts are near-duplicates
        embedding: what neighbours by meaning and topics come from; minilm needs the extra text
        outliers: leave records that no topic holds firmly without one
        seed: number that samples and starts follow
    """
    asked = dict(locals())
    from consentinel.understand.grouping import verb

    with Run.open("understand.group", asked.pop("out"), **asked | {"feedback": shown(feedback)}) as run:
        return verb.group(run, **asked)


def ingest(
    inputs: list[Path],
    *,
    out: Path = Path("runs/ingest"),
    kind: Literal["incident", "review", "request", "app_review", "policy", "story"] = "incident",
    source: str = "",
    database: str = "",
    columns: str = "",
    facts: str = "",
    dates: Literal["auto", "day-first", "month-first"] = "auto",
    quality: Path | None = None,
    project_key_file: Path = Path(".consentinel/key"),
) -> Outcome:
    """Read incidents, requests, reviews and policies, mask personal data in them, and check their quality.

    Ends in 1 when a quality gate fails and in 3 when there are too few records to judge; what was read is kept.

    Args:
        inputs: files (CSV, JSON, JSONL, Parquet, VERIS, SQL) or folders of runs of this program
        out: folder for the incidents, texts, quality checks and run.json
        kind: what the records are; scans and audits of this program say it themselves
        source: part of understand/sources that reads; found from the inputs where none is named
        database: SQLite or DuckDB file, or postgresql://USER@HOST/DATABASE, that the SELECT of a .sql file is for
        columns: what their columns are, for example text=description,opened=submitted; others are guessed from names
        facts: further columns to keep with each incident, separated by commas
        dates: order in dates such as 03/04/2026; auto tells it from days that no month can be, or refuses
        quality: TOML file of gates: the largest shares, the fewest records, the categories that are known
        project_key_file: file with the secret that digests are keyed with; made on first use
    """
    asked = dict(locals())
    from consentinel.understand import ingesting

    with Run.open("understand.ingest", asked.pop("out"), **asked | {"database": shown(database)}) as run:
        return ingesting.ingest(run, **asked)


def recommend(
    inputs: list[Path],
    *,
    out: Path = Path("runs/recommend"),
    history: list[Path] | None = None,
    catalog: Path | None = None,
    references: Path | None = None,
    feedback: str = "",
    decisions: Path | None = None,
    reviewer: str = "",
    top: int = 5,
) -> Outcome:
    """Recommend mitigations for open incidents, findings and failed audits, citing past cases and rules.

    Ends in 3 when no open case gets a recommendation.

    Args:
        inputs: folders of runs of ingest, scan and audit, or their Parquet files; those that say what was done are past
        out: folder for the recommendations, similar cases, the page, the form for decisions and run.json
        history: further folders or files with past cases
        catalog: TOML file of mitigations and rules of your own, on top of those that come with the package
        references: folder of the published catalogues (NIST Privacy Framework, SP 800-53, DPV), for their titles
        feedback: file, or postgresql://USER@HOST/DATABASE, where decisions are remembered
        decisions: CSV file with what was accepted and rejected: feedback.csv of an earlier run, filled in
        reviewer: role that speaks for rows of decisions without one, never a person's name
        top: recommendations for each case, at most
    """
    asked: dict[str, Any] = dict(locals()) | {"history": history or []}
    from consentinel.understand.recommending import verb

    with Run.open("understand.recommend", asked.pop("out"), **asked | {"feedback": shown(feedback)}) as run:
        return verb.recommend(run, **asked)


def tell(
    inputs: list[Path] | None = None,
    *,
    out: Path = Path("runs/tell"),
    story: str = "weekly",
    as_of: str = "",
    formats: str = "html,markdown",
    model: str = "none",
    check: bool = False,
    schedule: Path | None = None,
    now: bool = False,
) -> Outcome:
    """Tell a story of incidents in which every number is computed, can be pressed for its query, and checked again.

    Ends in 1 when a story that is checked differs, or when an alert of a schedule is an alarm.

    Args:
        inputs: folders of runs, of which that of ingest has to be one, or their Parquet files; not with --schedule
        out: folder for story.json and its pages; of a schedule for what it told when
        story: part of understand/stories that is told, such as weekly or incident
        as_of: day that the story is told of, as YYYY-MM-DD; without it the last day of the incidents, and of a
            schedule the time now
        formats: parts of understand/papers that it is printed as, separated by commas: html, markdown, pdf
        model: model that may put sentences in other words: none, local, or the address of an OpenAI-compatible endpoint
        check: compute the story in --out again from the inputs, and say what differs
        schedule: TOML file of the stories and alerts that are told on time; says what is due
        now: tell what is due in the schedule
    """
    asked: dict[str, Any] = dict(locals()) | {"inputs": inputs or [], "out": out / "check" if check else out}
    from consentinel.understand.telling import asking

    folder: dict[str, Any] = {"check": out if check else None}
    with Run.open("understand.tell", asked.pop("out"), **asked | {"model": shown(model)}) as run:
        return asking.tell(run, **asked | folder)


def triage(
    reviews: Path,
    *,
    out: Path = Path("runs/triage"),
    rules: Path | None = None,
    text: str = "text",
    name: str = "",
    model: Path | None = None,
) -> Outcome:
    """Sort launch reviews by risk: tier, whether a person has to look, the reasons cited, and the answers missing.

    Ends in 1 when a review is surely medium or high, in 3 when some are only unsure, and in 0 when all are surely low.

    Args:
        reviews: forms (JSON or TOML: name, text, answers by criterion), a table of them, or the folder of an ingest
        out: folder for the tiers, the page and run.json
        rules: TOML file of criteria of your own; else those that come with the package
        text: column of free text, in a table
        name: column that names a review, in a table
        model: classifier.safetensors that `classify` learnt from past reviews labelled low, medium and high
    """
    asked = dict(locals())
    from consentinel.understand.classifying import triage_verb

    with Run.open("understand.triage", asked.pop("out"), **asked) as run:
        return triage_verb.triage(run, asked.pop("reviews"), **asked)
