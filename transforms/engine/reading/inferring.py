"""What a type found in a text file stands for."""

from __future__ import annotations

import pyarrow as pa


def spelled(found: pa.DataType, *, nulls: bool = False) -> pa.DataType:
    """Return the type with text for dates and times, which such files spell as text.

    So a wrong guess sets no good row aside. With `nulls`, what has no value is text, too.
    """
    if pa.types.is_temporal(found) or (nulls and pa.types.is_null(found)):
        return pa.string()
    if pa.types.is_list(found):
        return pa.list_(spelled(found.value_type, nulls=nulls))
    if pa.types.is_struct(found):
        members = [found.field(position) for position in range(found.num_fields)]
        return pa.struct([pa.field(each.name, spelled(each.type, nulls=nulls)) for each in members])
    return found
