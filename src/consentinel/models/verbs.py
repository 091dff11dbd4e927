"""Verbs of models: train rankers, classifiers and embeddings, measure them honestly, and ask them."""

from pathlib import Path
from typing import Any, Literal

from consentinel.core.run import Outcome, Run
from consentinel.core.state import shown

__all__ = ["evaluate", "frontier", "predict", "train"]


def evaluate(
    model: str,
    rows: Path,
    *,
    out: Path = Path("runs/evaluate"),
    train: Path | None = None,
    split: Literal["none", "time", "last", "random"] = "none",
    share: float = 0.2,
    settings: str = "",
    seed: int = 0,
    seeds: int = 1,
    k: int = 10,
    metrics: str = "all",
    gain: Literal["exponential", "linear"] = "exponential",
    sampled: int = 0,
    level: float = 0.95,
    person: str = "",
    columns: str = "",
) -> Outcome:
    """Measure a model on rows that it has not seen, with intervals, beside simple baselines.

    With the name of a part in place of a model, one file is split, the part is trained on one side and measured on the
    other. Rankings are measured over the whole catalogue; what was learned from is left out.

    Args:
        model: model file that `train` made, or a part as shelf/name, for example recommend/ease
        rows: rows with what truly happened (.parquet, .inter, .letor, .qrels, ...)
        out: folder for the metrics, the figures of each query and run.json
        train: rows that the model learned from; recommenders, segments, look-alike pictures and link rankers need them
        split: how rows are held out for a part: time (the latest), last (of each user), random (of each user, or rows)
        share: of the rows that is held out
        settings: settings of a part, for example reg=200,epochs=3
        seed: number that the split, the training and the draws follow
        seeds: trainings of a part, each with another seed; intervals are then over people and seeds
        k: cut-off rank of rankings; 0 for none
        metrics: all, or names separated by commas, for example ndcg,recall
        gain: of labels in nDCG: 2^label - 1, or the label itself
        sampled: rank true items among this many sampled ones only, named so; 0 ranks the whole catalogue, as one should
        level: of the intervals
        person: column that says whose a row is, where people have several rows
        columns: column map of the files, ours=theirs, for example user=session_id,item=track
    """
    from consentinel.models import evaluating
    from consentinel.models.measures.sides import Asked

    asked: dict[str, Any] = {
        "train": train, "split": split, "share": share, "settings": settings, "seed": seed, "seeds": seeds, "k": k,
        "metrics": metrics, "gain": gain, "sampled": sampled, "level": level, "person": person, "columns": columns,
    }  # fmt: skip
    with Run.open("models.evaluate", out, model=_name(model), rows=rows, **asked) as run:
        return evaluating.evaluate(run, model, rows, Asked(**asked))


def frontier(
    rows: Path,
    *,
    out: Path = Path("runs/frontier"),
    trainers: str = "logistic private_logistic aggregate_logistic label_private",
    given: str = "",
    epsilons: str = "0.1 0.5 1 2 5",
    delta: str = "1e-6",
    seeds: int = 5,
    share: float = 0.25,
    seed: int = 0,
    k: int = 10,
    columns: str = "",
) -> Outcome:
    """Show how much models lose by privacy: utility against epsilon, between no privacy and no model, as a picture.

    It is not private itself: give rows that are public, past or simulated. What private parts have to be told
    (catalogue, classes, people) is then read off the rows, unless it is given.

    Args:
        rows: rows of the shelf: who did what, pictures, or features and a column label (0 or 1)
        out: folder for the points of the frontier, their picture and run.json
        trainers: shelf/part of one shelf (ads, recommend, vision), separated by spaces, each with settings of its own
            after a colon; part alone is one of ads; a shelf alone stands for its usual parts
        given: settings for all of them that have them, for example categories=public
        epsilons: where private trainers are trained, separated by spaces
        delta: of every private trainer
        seeds: splits, trainings and draws of noise for each point
        share: of the rows, or of what each person did, that is tested on
        seed: number that the splits follow
        k: cut-off rank of recommendations
        columns: column map of the file, ours=theirs, for example label=click
    """
    from consentinel.models.frontiers import drawn

    asked: dict[str, Any] = {
        "trainers": trainers, "given": given, "delta": delta, "seeds": seeds, "share": share, "seed": seed,
        "k": k, "columns": columns,
    }  # fmt: skip
    with Run.open("models.frontier", out, rows=rows, epsilons=epsilons, **asked) as run:
        return drawn.drawn(run, rows, at=epsilons, **asked)


def predict(
    model: Path,
    rows: Path,
    *,
    out: Path = Path("runs/predict"),
    k: int = 20,
    form: Literal["parquet", "run", "inter"] = "parquet",
    columns: str = "",
) -> Outcome:
    """Ask a model: the best items for each person or query, or the score and label of each row.

    Args:
        model: model file that `train` made
        rows: what is asked: queries (query; k, history, text where there are such), users, or rows to score
        out: folder for the predictions and run.json
        k: most items for each query, where a row does not say
        form: further format of a ranking: run (TREC) or inter (RecBole atomic)
        columns: column map of the file, ours=theirs, for example query=user_id
    """
    from consentinel.models import predicting

    asked: dict[str, Any] = {"k": k, "columns": columns, "form": form}
    with Run.open("models.predict", out, model=model, rows=rows, **asked) as run:
        return predicting.predict(run, model, rows, **asked)


def train(
    part: str,
    rows: Path,
    *,
    out: Path = Path("runs/train"),
    settings: str = "",
    seed: int = 0,
    split: Literal["none", "time", "last", "random"] = "none",
    share: float = 0.2,
    person: str = "",
    columns: str = "",
    ledger: str = "",
    dataset: str = "",
    epoch: str = "",
    principal: str = "",
    purpose: str = "",
    ledger_key: Path | None = None,
    witness: Path | None = None,
) -> Outcome:
    """Train a part on the rows of a file and keep the model; a private part is paid for from a ledger first.

    `consentinel parts models` lists the parts. What the ledger refuses ends in 4.

    Args:
        part: part to train as shelf/name, for example recommend/ease
        rows: rows to learn from (.parquet, .inter, .letor, ...)
        out: folder for the model and run.json
        settings: settings of the part, for example reg=200,epochs=3
        seed: number that initial weights and draws follow; never privacy noise
        split: hold rows out, kept beside: time (the latest), last (of each user), random (of each user, or rows)
        share: of the rows that is held out
        person: column that says whose a row is; nobody then stands on both sides of a random split
        columns: column map of the file, ours=theirs, for example user=session_id,item=track
        ledger: ledger that pays for a private part, a file or postgresql://USER@HOST/DATABASE
        dataset: data set whose budget pays
        epoch: epoch whose budget pays
        principal: who trains
        purpose: what for
        ledger_key: file of the ledger's key; beside the ledger where none is named
        witness: second file that remembers how far the ledger came
    """
    from consentinel.models import training
    from consentinel.models.paying import Payer

    asked: dict[str, Any] = {
        "settings": settings, "seed": seed, "split": split, "share": share, "person": person, "columns": columns,
    }  # fmt: skip
    paid_by: dict[str, Any] = {"dataset": dataset, "epoch": epoch, "principal": principal, "purpose": purpose}
    with Run.open("models.train", out, part=part, rows=rows, ledger=shown(ledger), **paid_by, **asked) as run:
        payer = Payer(ledger, ledger_key, witness, **paid_by)
        return training.train(run, part, rows, **asked, payer=payer)


def _name(model: str) -> str:
    """Return what of MODEL stands in run.json: the part, or the base name of the file."""
    return Path(model).name if Path(model).suffix else model
