"""Rows of a board by the texts that people type; torch-free."""

from __future__ import annotations

from peephole.errors import PeepholeError, UnknownName
from peephole.leaderboard.alignment import Row
from peephole.leaderboard.stored_board import StoredBoard


def find_row(board: StoredBoard, text: str) -> Row:
    """The row that a text names: ``METHOD``, at its best layer, or ``METHOD@LAYER``.

    Blanks do not matter, nor does the case of letters, nor whether words are joined by ``-`` or ``_``. Where a method
    and a calibration row have one name, it is the method.

    Raises:
        UnknownName: there is no such method, or the method has no such layer.
        PeepholeError: the method has several layers and none is marked as its best; name one.
    """
    rows = sorted(board.rows, key=lambda row: row[1] != "method")  # stable: calibration rows last
    methods = {_plain(method): method for method, _, _ in reversed(rows)}
    name, _, layer = text.rpartition("@") if _plain(text) not in methods else (text, "", "")
    if _plain(name or text) not in methods:
        raise UnknownName("method on this board", name or text, set(methods.values()))
    method = methods[_plain(name or text)]
    own = [row for row in rows if row[0] == method]
    if layer:
        found = [row for row in own if row[2] == layer.strip()]
        if not found:
            raise UnknownName(f"layer of {method}", layer, {row[2] for row in own})
        return found[0]
    best = [row for row in own if row in set(board.best_rows)]
    if len(own) > 1 and not ("best_layer" in board.summary and best):
        layers = ", ".join(row[2] for row in own)
        raise PeepholeError(f"{method} has no best layer on this board; name one, as in {method}@{own[0][2]}: {layers}")
    return (best or own)[0]


def _plain(text: str) -> str:
    return "".join(text.split()).lower().replace("-", "_")
