"""Write the table of claims into README.md, from the results alone: `make docs`."""

from _claim import RESULTS, ROOT
from _compare import Row, compare, read_reach, read_results

__all__ = ["block", "main", "placed", "rows"]

START, END = "<!-- claims -->", "<!-- /claims -->"
SIGNS = {"at_least": "≥", "at_most": "≤", "equal": "="}


def rows() -> list[Row]:
    """Return the verdicts on the results that are kept in benchmarks/results."""
    return compare(read_reach(ROOT / "benchmarks" / "reach.toml"), read_results(RESULTS))


def block(found: list[Row]) -> str:
    """Return FOUND as a Markdown table."""
    lines = ["| number | measured | interval | reach | holds |", "|---|---|---|---|---|"]
    for row in found:
        value = "-" if row.value is None else f"{number(row.value)} {row.unit}"
        between = "-" if row.low is None or row.high is None else f"{number(row.low)} to {number(row.high)}"
        sign = f"{SIGNS.get(row.direction, '')} {number(row.reach)}"
        lines.append(f"| {row.what or row.name} | {value} | {between} | {sign} | {'yes' if row.ok else row.why} |")
    return "\n".join(lines)


def number(value: float) -> str:
    """Return VALUE with four digits that count, thousands separated."""
    if value != value:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:.4g}"


def placed(page: str, table: str) -> str:
    """Return PAGE with TABLE between its two marks; raises ValueError when a mark is missing."""
    head, start, rest = page.partition(START)
    _, end, tail = rest.partition(END)
    if not start or not end:
        raise ValueError(f"README.md should hold {START} and {END}")
    return f"{head}{START}\n{table}\n{END}{tail}"


def main() -> None:
    """Rewrite the table in README.md."""
    readme = ROOT / "README.md"
    readme.write_text(placed(readme.read_text("utf-8"), block(rows())), "utf-8")


if __name__ == "__main__":
    main()
