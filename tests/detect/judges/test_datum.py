"""What a datum is: learned from a made table, told of rows nobody saw, and put into DATA."""

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.modelfile import ModelFile, from_bytes, to_bytes
from consentinel.core.tables import DATA, check
from consentinel.detect.decode import LEAVES
from consentinel.detect.judges._datum_features import features, last_name_only, last_names, plain_shape, without
from consentinel.detect.judges._datum_table import DATUM_TABLE, targets
from consentinel.detect.judges._datum_train import held_out, train_baseline, train_datum
from consentinel.detect.judges._rows import DATUM_ANSWER, DATUM_ROWS, TYPES
from consentinel.detect.observe import Observer
from consentinel.detect.planted import Planted, read_planted
from consentinel.detect.shelves import JUDGES, SURFACES
from tests.detect.made_visits import T0

pytest.importorskip("sklearn", reason="training needs the extra `learn`")
UUID = "3f9c1b62-8d4e-4a57-9b0c-71e2d5a6f813"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
AGENT_SHAPE = "a/0.0 (x; a x) a/0.0 (a, a a) a/0.0.0.0 a/0.0"
CASES = (  # key, shape, recogniser, verdict, types
    ("device.ua", AGENT_SHAPE, "device.browser", "types", ["device.browser", "device.os"]),
    ("client.agent", AGENT_SHAPE, "device.browser", "types", ["device.browser", "device.os"]),
    ("user.id", "x-x-x-x-x", "user.id", "types", ["device.id"]),
    ("account.login", "x", "user.id", "types", ["user.id"]),
    ("visitor.uuid", "x-x-x-x-x", "device.id", "types", ["device.id"]),
    ("request.id", "x-x-x-x-x", None, "none", []),
    ("imp.id", "x", None, "none", []),
    ("device.os", "a", "device.os", "constant", []),
    ("page.title", "a a", None, "none", []),
    ("ver", "0.0", None, "constant", []),
)


def table(families: int = 20) -> pa.Table:
    """Return DATUM_TABLE in which every family sends every case, some under a name of its own."""
    rows = [
        {
            "family": f"family-{number}",
            "key": f"{key}{number}" if number % 7 == 3 else key,
            "carrier": ("json", "query")[number % 2],
            "shape": shape,
            "type": said,
            "type_p": 0.97 if said else None,
            "verdict": verdict,
            "types": types,
            "n": 3,
        }
        for number in range(families)
        for key, shape, said, verdict, types in CASES
    ]
    return pa.Table.from_pylist(rows, DATUM_TABLE)


def rows(*told: tuple[str, str, str, str | None]) -> pa.Table:
    """Return DATUM_ROWS of (key, carrier, shape, recogniser)."""
    columns = [*map(list, zip(*told, strict=True)), [0.97 if row[3] else None for row in told]]
    kinds = [pa.float32() if field.name == "type_p" else pa.string() for field in DATUM_ROWS]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    return pa.table(arrays, names=DATUM_ROWS.names).cast(DATUM_ROWS)


@pytest.fixture(scope="module")
def model() -> ModelFile:
    return train_datum(table(), 1)


def types(
    model: ModelFile | None, *told: tuple[str, str, str, str | None], part: str = "datum_model"
) -> list[set[str]]:
    answers = JUDGES.take(part).open(model).judge(rows(*told))
    assert answers.schema.equals(DATUM_ANSWER)
    return [set(found) for found in answers["types"].to_pylist()]


def test_it_learns_that_one_datum_tells_two_types(model: ModelFile) -> None:
    told = ("device.ua", "json", AGENT_SHAPE, "device.browser"), ("request.id", "json", "x-x-x-x-x", None)
    assert types(model, *told) == [{"device.browser", "device.os"}, set()]


def test_it_corrects_a_recogniser(model: ModelFile) -> None:
    assert types(model, ("user.id", "json", "x-x-x-x-x", "user.id")) == [{"device.id"}]


def test_recognisers_keep_types_without_cases_and_header_fields(model: ModelFile) -> None:
    told = ("client.address", "json", "0.0.0.0", "device.ip"), ("device.ua", "header", AGENT_SHAPE, "device.browser")
    assert types(model, *told) == [{"device.ip"}, {"device.browser"}]


def test_what_a_shape_cannot_tell_is_left_to_recognisers(model: ModelFile) -> None:
    many = pa.concat_tables([table(), pa.Table.from_pylist(
        [{"family": f"family-{n}", "key": "member.name", "carrier": "json", "shape": "a a", "type": None,
          "type_p": None, "verdict": "types", "types": ["contact.name"], "n": 3} for n in range(20)],
        DATUM_TABLE)])  # fmt: skip
    told = ("member.name", "json", "a a", None), ("member.name", "json", "a a", "contact.name")
    assert types(train_datum(many, 1), *told) == [set(), {"contact.name"}]


def test_positions_and_wrappings_are_no_names() -> None:
    told = [(key, "json", "a-a", None) for key in ("a.languages", "a.languages.0", "a.languages[].value")]
    assert len(set(last_names(rows(*told)).tolist())) == 1
    assert len(set(last_names(rows(("0", "json", "x", None), ("1", "json", "x", None))).tolist())) == 2


def test_a_recogniser_is_believed_about_what_never_varies(model: ModelFile) -> None:
    truth = targets(table(1))
    at = TYPES.index("device.os")
    constant = [case[0] for case in CASES].index("device.os")
    assert not truth.known[constant, at]
    assert truth.taught[constant, at]
    assert truth.known[constant, TYPES.index("user.id")]


def test_equal_tables_give_equal_bytes_and_the_file_comes_back(model: ModelFile) -> None:
    data = to_bytes(model)
    assert data == to_bytes(train_datum(table(), 1))
    told = [("device.ua", "json", AGENT_SHAPE, "device.browser")]
    assert types(from_bytes(data), *told) == types(model, *told)
    assert float(model.card["macro-F1"]) > float(model.card["macro-F1 of the recognisers alone"])


def test_it_beats_the_recognisers_on_families_held_out() -> None:
    truth, found = targets(table()), held_out(table(), 1)
    known = truth.known & truth.yes
    assert (found.said & known).sum() / known.sum() > 0.9


def test_the_baseline_sees_the_last_name_only() -> None:
    base = train_baseline(table(), 1)
    told = ("a.ua", "json", "0", None), ("b.ua", "query", "x", "user.id")
    assert len(set(map(frozenset, types(base, *told, part="datum_logistic")))) == 1


def test_rules_say_one_type_and_take_no_model(model: ModelFile) -> None:
    assert types(None, ("k", "json", "x", "user.id"), ("k", "json", "x", None), part="datum_rules") == [
        {"user.id"},
        set(),
    ]
    with pytest.raises(UsageError):
        JUDGES.take("datum_rules").open(model)


@pytest.mark.parametrize("name", ["weights", "threshold", "met", "name_only"])
def test_a_model_that_is_not_whole_is_refused(model: ModelFile, name: str) -> None:
    broken = ModelFile(model.kind, model.version, model.made_by, model.arrays | {name: np.zeros(3)}, model.card)
    with pytest.raises(BadInput):
        JUDGES.take("datum_model").open(broken)
    with pytest.raises(BadInput):
        JUDGES.take("datum_logistic").open(model)


def test_too_few_families_are_refused() -> None:
    with pytest.raises(BadInput, match="families"):
        train_datum(table(3), 1)


@pytest.mark.parametrize(
    ("shape", "plain"),
    [
        ("x-0-a-x-x", "x-x-x-x-x"),
        ("a-a-a-a-a", "a-a-a-a-a"),
        ("x+x/a=", "x/"),
        ("0.0", "0.0"),
        ("", ""),
        ("x-x", "x-x"),
    ],
)
def test_shapes_lose_what_chance_decides(shape: str, plain: str) -> None:
    assert plain_shape(shape) == plain


def test_features_depend_on_the_row_alone() -> None:
    told = [("a.b.userId", "json", "x", None), ("", "query", "", None), ("é.☃", "cookie", "a", "user.id")]
    whole = features(rows(*told))
    for at, row in enumerate(told):
        alone = features(rows(row))
        assert alone.index.tolist() == whole.index[whole.start[at] : whole.start[at + 1]].tolist()
    assert len(set(last_names(rows(*told)).tolist())) == 3


def test_nothing_is_seen_of_what_is_left_out() -> None:
    one, other = rows(("a.uid", "json", "x", "user.id")), rows(("b.cid", "json", "x", "user.id"))
    assert features(without(one, "key")).index.tolist() == features(without(other, "key")).index.tolist()
    assert features(last_name_only(one)).index.tolist() != features(last_name_only(other)).index.tolist()


# In a scan


def leaves(*told: tuple[str, str, str]) -> pa.Table:
    plain = {
        "visit_id": "v",
        "seq": 0,
        "time": T0,
        "action": "sent",
        "recipient": "x.test",
        "decode_path": "",
        "depth": 0,
    }
    cells = [plain | {"seq": n, "key": k, "carrier": c, "value": v} for n, (k, c, v) in enumerate(told)]
    arrays = []
    for field in LEAVES:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        array = pa.array([cell.get(field.name) for cell in cells], kind)
        arrays.append(array.dictionary_encode() if pa.types.is_dictionary(field.type) else array)
    return pa.table(arrays, schema=LEAVES)


def observer(model: ModelFile | None, planted: Planted | None = None) -> Observer:
    judge = JUDGES.take("datum_model").open(model) if model else None
    return Observer(b"k" * 32, [SURFACES.take(name) for name in SURFACES.names()], [], planted, judge)


def test_a_datum_with_two_types_is_two_rows(model: ModelFile) -> None:
    told = leaves(("page.title", "json", "some words"), ("device.ua", "json", AGENT), ("user.id", "json", UUID))
    data, _ = observer(model).observe(told)
    check(data, DATA, "test")
    found = [(row["seq"], row["type"]) for row in data.to_pylist()]
    assert sorted(found, key=str) == [(0, None), (1, "device.browser"), (1, "device.os"), (2, "device.id")]
    assert data.filter(pa.compute.equal(data["seq"], 1))["digest"].unique().to_pylist() == [data["digest"][1].as_py()]
    assert all((row["type"] is None) == (row["type_p"] is None) for row in data.to_pylist())


def test_planted_proof_wins_over_the_judge(model: ModelFile, tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "planted.toml"
    file.write_text(f'[[planted]]\nid = "a"\ntype = "user.id"\nvalue = "{UUID}"\n')
    data, _ = observer(model, read_planted(file)).observe(
        leaves(("user.id", "json", UUID), ("device.ua", "json", AGENT))
    )
    found = [(row["seq"], row["type"], row["type_p"]) for row in data.to_pylist()]
    assert found[0] == (0, "user.id", 1.0)
    assert {kind for _, kind, _ in found[1:]} == {"device.browser", "device.os"}


def test_the_judge_is_asked_once_for_equal_data(model: ModelFile) -> None:
    asked: list[int] = []
    inner = JUDGES.take("datum_model").open(model)

    class Counting:
        version = "counting"

        def judge(self, told: pa.Table) -> pa.Table:
            asked.append(told.num_rows)
            return inner.judge(told)

    seeing = Observer(b"k" * 32, [SURFACES.take(name) for name in SURFACES.names()], [], None, Counting())
    first = leaves(("user.id", "json", UUID), ("user.id", "json", UUID[::-1]), ("ver", "query", "1.2"))
    whole, _ = seeing.observe(first)
    again, _ = seeing.observe(first.take([2, 0]))
    assert sum(asked) <= 3
    assert len(asked) == 1
    assert again["type"].to_pylist() == [whole["type"][2].as_py(), whole["type"][0].as_py()]


def test_a_judge_of_rules_gives_what_no_judge_gives() -> None:
    told = leaves(("user.id", "json", UUID), ("ver", "query", "1.2"), ("device.ua", "json", AGENT))
    parts = [SURFACES.take(name) for name in SURFACES.names()]
    judged, _ = Observer(b"k" * 32, parts, [], None, JUDGES.take("datum_rules").open(None)).observe(told)
    plain, _ = Observer(b"k" * 32, parts, []).observe(told)
    assert judged.to_pylist() == plain.to_pylist()


# What ships


@pytest.mark.parametrize(
    ("key", "carrier", "value", "kinds"),
    [
        ("email", "form", "a@example.com", {"contact.email"}),
        ("viewportWidth", "query", "1920", {"device.screen"}),
        ("timezone", "json", "Europe/Berlin", {"device.time_zone"}),
        ("ua", "json", AGENT, {"device.browser", "device.os"}),
        ("event", "json", "page_view", set()),
        ("price", "query", "12.50", set()),
    ],
)
def test_the_model_that_ships_knows_plain_cases(key: str, carrier: str, value: str, kinds: set[str]) -> None:
    judge = JUDGES.take("datum_model").open(None)
    seeing = Observer(b"k" * 32, [SURFACES.take(name) for name in SURFACES.names()], [], None, judge)
    data, _ = seeing.observe(leaves((key, carrier, value)))
    assert {kind for kind in data["type"].to_pylist() if kind} == kinds
