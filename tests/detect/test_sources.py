"""Which collector reads which file, and which files are read together."""

from pathlib import Path

import pytest

from consentinel.detect.collectors._batch import Options
from consentinel.detect.shelves import COLLECTORS
from consentinel.detect.sources import assigned

PARTS = [COLLECTORS.take(name) for name in COLLECTORS.names()]
REQUESTS, SENT, SCREENS, OTHER = "url,time\n", "app,tracker,data_type\n", "app,screen\n", "name,stars\n"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"a/1.csv": REQUESTS, "a/2.csv": OTHER}, [("requests", ["1.csv"]), ("requests", ["2.csv"])]),
        ({"a/1.csv": SENT, "b/2.csv": SENT}, [("app_study", ["1.csv"]), ("app_study", ["2.csv"])]),
        (
            {"a/0.har": "{}", "a/1.csv": OTHER, "a/2.csv": SCREENS, "a/3.csv": REQUESTS, "a/4.csv": SENT}
            | {"b/5.csv": OTHER},
            [
                ("har", ["0.har"]), ("app_study", ["2.csv", "4.csv", "1.csv"]), ("requests", ["3.csv"]),
                ("requests", ["5.csv"]),
            ],
        ),
        ({"a/1.odd": SENT}, [("har", ["1.odd"])]),
        ({"a/1.parquet": "broken"}, [("requests", ["1.parquet"])]),
    ],
)  # fmt: skip
def test_each_file_is_read_once(tmp_path: Path, texts: dict[str, str], expected: list[tuple[str, list[str]]]) -> None:
    files = [tmp_path / name for name in texts]
    for file, text in zip(files, texts.values(), strict=True):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text + ",".join("x" * (text.count(",") + 1)) + "\n")
    got = assigned(files, PARTS, Options())
    told = [(p.__name__.rpartition(".")[2], [first.name, *(b.name for b in more)]) for first, (p, more) in got.items()]
    assert told == expected


def test_a_column_map_decides_what_a_table_is(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("who,to,what,u\na,b,c,d\n")
    for columns, name in (
        ({"url": "u"}, "requests"),
        ({"app": "who", "tracker": "to", "data_type": "what"}, "app_study"),
    ):
        ((part, _),) = assigned([file], PARTS, Options(columns=columns)).values()
        assert part.__name__.endswith(name)
