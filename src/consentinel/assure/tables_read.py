"""Tables of an audit from files: Parquet and CSV here, other formats by the models room."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from consentinel.core import meeting
from consentinel.core.errors import BadInput, UsageError

__all__ = ["LARGEST", "Columns", "read"]

LARGEST = 8 << 30  # bytes of a table when it is unpacked
_REMEDY = "Check that it is the file you mean"


def read(path: Path) -> pa.Table:
    """Return the table in PATH; raises BadInput for what cannot be read, UsageError for a suffix that nobody knows.

    The size that a Parquet file says it unpacks to is checked before anything is unpacked.
    """
    suffix = path.suffix.lower()
    if suffix not in (".parquet", ".csv", ".tsv"):
        return meeting.read_rows(path)
    try:
        if suffix != ".parquet":
            return pa_csv.read_csv(path, parse_options=pa_csv.ParseOptions(delimiter="\t" if suffix == ".tsv" else ","))
        about = pq.read_metadata(path)
        unpacked = sum(about.row_group(at).total_byte_size for at in range(about.num_row_groups))
        if unpacked > LARGEST or about.num_rows > LARGEST // 8:
            raise BadInput(f"unpacks to {unpacked:,} bytes, more than {LARGEST:,}", where=path.name, todo=_REMEDY)
        found = pq.ParquetFile(path).read()  # one file: no folder names become columns
    except (pa.ArrowException, OSError) as why:
        raise BadInput(f"cannot be read as a table ({type(why).__name__})", where=path.name, todo=_REMEDY) from None
    return found


class Columns:
    """A column map "ours=theirs,..." over several files; one that no file has is an error."""

    def __init__(self, text: str) -> None:
        self.pairs: dict[str, str] = {}  # theirs to ours
        self.met: set[str] = set()
        for pair in filter(None, (pair.strip() for pair in text.split(","))):
            ours, sign, theirs = (word.strip() for word in pair.partition("="))
            if not sign or not ours or not theirs:
                raise UsageError(f"columns: '{pair[:60]}' is not ours=theirs, for example user=session_id")
            self.pairs[theirs] = ours

    def renamed(self, table: pa.Table) -> pa.Table:
        """Return TABLE with our names where it has theirs; what had our name before gives way."""
        names = list(table.column_names)
        for theirs, ours in self.pairs.items():
            if theirs not in names:
                continue
            self.met.add(theirs)
            if ours in names and ours != theirs:
                table = table.drop_columns([ours])
                names.remove(ours)
            names[names.index(theirs)] = ours
        return table.rename_columns(names)

    def unmet(self) -> None:
        """Raise UsageError for a column that no file had."""
        lost = [theirs for theirs in self.pairs if theirs not in self.met]
        if lost:
            raise UsageError(f"columns: no file has a column '{lost[0][:60]}'")
