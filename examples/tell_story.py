"""Tell a story of incident reports, press a number, and find what somebody changed afterwards."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from consentinel.understand.verbs import ingest, tell

REPORTS = Path(__file__).parent / "incidents" / "reports.csv"


def main() -> tuple[str, int, int]:
    """Return the verdict of the story, and how a check of it ends: before and after a number was changed."""
    with TemporaryDirectory() as folder:
        records, told = Path(folder) / "records", Path(folder) / "told"
        columns = "opened=submitted,category=type,subject=entity,region=state,text=description,action=resolution"
        ingest([REPORTS], out=records, columns=columns, project_key_file=Path(folder) / "key")
        story = tell([records], out=told, story="incident")
        untouched = tell([records], out=told, check=True).exit_code
        file = told / "story.json"
        content = json.loads(file.read_text("utf-8"))
        content["facts"][0]["value"] = 1
        file.write_text(json.dumps(content), "utf-8")
        return story.text.splitlines()[1], untouched, tell([records], out=told, check=True).exit_code


if __name__ == "__main__":
    verdict, before, after = main()
    print(f"{verdict}\nThe check ends in {before}; after somebody changed a number, in {after}.")
