"""Columns of a typed source converted to another type, as a schema may ask."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from actors.data import texts
from actors.data.reading import Batch, OpenSource, Partition
from actors.data.rules import TypeName


@dataclass(frozen=True, slots=True)
class Coerced:
    """A partition some of whose columns are converted."""

    partition: Partition
    types: Mapping[str, TypeName]

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """The same rows; what cannot be converted is unreadable."""
        for batch in self.partition.batches(columns):
            table, unreadable = batch.table, dict(batch.unreadable)
            for place, name in enumerate(columns):
                if name in self.types:
                    wanted, bad = _converted(batch.column(name), self.types[name])
                    table = table.set_column(place, name, wanted)
                    if bad is not None:
                        unreadable[name] = bad
            yield Batch(table, unreadable)


def coerced(opened: OpenSource, types: Mapping[str, TypeName]) -> OpenSource:
    """The source with some columns converted."""
    if not types:
        return opened
    changed = {name: texts.ARROW[kind] for name, kind in types.items()}
    partitions = [Coerced(partition, types) for partition in opened.partitions]
    return replace(opened, types={**opened.types, **changed}, partitions=partitions)


def _converted(column: pa.Array, kind: TypeName) -> tuple[pa.Array, pa.Array | None]:
    try:
        if not pa.types.is_string(column.type):
            return column.cast(texts.ARROW[kind]), None
    except pa.ArrowException:
        pass  # some value cannot be: find out which
    return texts.values(texts.as_text(column), kind)
