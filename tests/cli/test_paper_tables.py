"""Boards and comparisons as LaTeX and markdown."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peephole.cli import main
from peephole.cli.board import board_paper_table
from peephole.cli.escapes import latex, markdown
from peephole.cli.paper_table import Form, PaperTable, form_of, in_latex, in_markdown
from peephole.errors import PeepholeError
from peephole.leaderboard.tables import LEADERBOARD, write_csv

COMMANDS = re.compile(r"\\[A-Za-z]+(\{\})?|\\[&%$#_{}]|\$-\$|\$\\[A-Za-z]+\$|\{[\[\]]\}|-\{\}")
ANY = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")))
NASTY = st.text(alphabet="\\&%$#_{}~^<>|[]`-–−↓†ab1 *")


def line(method, score, **facts):
    row = {"method": method, "kind": "method", "layer": "layer3.0", "best_layer": True, "score": score, "n": 40}
    row |= {"score_lo": score - 0.1, "score_hi": score + 0.1, "rank": 1, "rank_interval": "2–4", "tie_group": 1}
    for metric in ("completeness", "restore"):
        row |= {metric: score, f"{metric}_lo": score - 0.1, f"{metric}_hi": score + 0.1}
    row |= {"n_valid": 40, "n_invalid": 0, "ms_per_image": 10 * score, "passes": 2.0, "pareto": False}
    row |= {"score_of": "square: completeness", "core_metrics": "completeness; restore"}
    return row | {"lower_is_better": "restore", "suite": "quick/v1"} | facts


@pytest.fixture
def frame():
    oracle = line("oracle", 1.0, kind="calibration", ms_per_image=np.nan, passes=np.nan, pareto=False)
    rows = [oracle, line("a_b%|c", 0.6), line("rectgrad", 0.4, pareto=True), line("minus", -0.25)]
    frame = pd.DataFrame(rows)
    return frame.astype({"rank": "Int64", "tie_group": "Int64"})


@pytest.fixture
def folder(frame, tmp_path):
    (tmp_path / "peephole.json").write_text(json.dumps({"format": "peephole results", "version": 1}))
    write_csv(frame, tmp_path / LEADERBOARD)
    return tmp_path


@pytest.fixture
def printed(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["peephole", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capsys.readouterr()

    return run


def unescaped_cells(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)[&|]", row.removesuffix(r"\\"))]


@given(st.one_of(ANY, NASTY))
def test_no_special_of_latex_is_left(text):
    rest = COMMANDS.sub("x", latex(text))
    assert not set(rest) & set("\\&%$#_{}^<>|[]`–—−↑↓†"), latex(text)
    assert "--" not in rest
    assert "~" not in rest or "\u00a0" in text


@given(st.one_of(ANY, NASTY))
def test_a_cell_of_markdown_ends_where_it_ends(text):
    escaped = markdown(text)
    assert not re.search(r"(?<!\\)(\\\\)*[|*_`<>]", re.sub(r"\\[|*_`\[\]<>~#$\\]", "", escaped))
    assert "\n" not in escaped
    assert re.sub(r"\\([\\|*_`\[\]<>~#$])", r"\1", escaped).replace("&amp;", "&") == text


@given(st.lists(st.tuples(NASTY, NASTY), min_size=1, max_size=4))
def test_every_text_stays_in_its_cell(rows):
    table = PaperTable("What it says.", ("name", "value"), frozenset({"name"}), tuple(rows))
    body = in_latex(table).split("\\midrule\n")[1].split("\n\\bottomrule")[0].splitlines()
    assert [len(unescaped_cells(COMMANDS.sub("x", row).replace("\\\\", ""))) for row in body] == [2] * len(rows)
    lines = in_markdown(table).splitlines()
    assert len(lines) == len(rows) + 4


def test_negative_numbers_have_a_minus_and_names_keep_their_hyphens():
    assert latex("[-0.13, -0.11] a-1 b--c") == "{[}$-$0.13, $-$0.11{]} a-1 b-{}-c"


def test_latex_is_the_board_that_is_printed(folder, printed):
    code, out, _ = printed("leaderboard", folder, "--latex")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "\\begin{table}[t]"
    assert lines[-1] == "\\end{table}"
    assert out.count("\\toprule") == out.count("\\midrule") == out.count("\\bottomrule") == 1
    assert "completeness $\\uparrow$ & restore $\\downarrow$ & invalid & ms $\\downarrow$" in out
    assert "score = mean over triggers" in out
    assert "95 \\% intervals" in out
    (row,) = [line for line in lines if "a\\_b" in line]
    best = ("\\textbf{0.60 {[}0.50, 0.70{]}}", "\\textbf{0.60}", "0.60", "", "6.00", "\\textbf{2.0}")
    assert row == " & ".join(("2\\textendash{}4", "1", "a\\_b\\%\\textbar{}c", "layer3.0", *best)) + " \\\\"
    (lowest,) = [line for line in lines if "minus" in line]
    assert "\\textbf{$-$0.25}" in lowest
    (oracle,) = [line for line in lines if "oracle" in line]
    assert "\\textbf" not in oracle
    assert "\\textit{oracle}" in oracle


def test_numbers_are_those_of_the_file(folder, printed, frame):
    _, out, _ = printed("leaderboard", folder, "--markdown", "--sort", "restore", "--metrics", "restore")
    rows = [unescaped_cells(line)[1:-1] for line in out.splitlines() if line.startswith("|")]
    assert rows[0] == ["rank", "tie", "method", "layer", "score ↑", "restore ↓", "invalid", "ms ↓", "passes ↓"]
    plain = [[cell.replace("*", "").replace("\\", "") for cell in row] for row in rows[2:]]
    assert [row[2] for row in plain] == ["minus", "rectgrad†", "a_b%|c", "oracle"]
    expected = frame.sort_values("restore")
    assert [row[5] for row in plain] == [f"{value:.2f}" for value in expected["restore"]]
    scores = zip(expected["score"], expected["score_lo"], expected["score_hi"], strict=True)
    assert [row[4] for row in plain] == [f"{mean:.2f} [{low:.2f}, {high:.2f}]" for mean, low, high in scores]


def test_one_form_at_a_time(folder, printed):
    code, out, errors = printed("leaderboard", folder, "--latex", "--markdown")
    assert (code, out) == (2, "")
    assert "exclude each other" in errors
    with pytest.raises(PeepholeError, match="give one"):
        form_of(as_json=True, as_latex=True, as_markdown=False)
    assert form_of(as_json=True, as_latex=False, as_markdown=False) is None
    assert form_of(as_json=False, as_latex=False, as_markdown=True) is Form.MARKDOWN


def test_a_board_without_rows_is_a_table_without_rows(frame):
    table = board_paper_table(frame.iloc[:0], ["restore"], caption="Nothing.", fewer=(), lower=["restore"])
    assert "\\midrule" in in_latex(table)
    assert "restore ↓" in in_markdown(table)


def test_a_row_too_short_is_no_table():
    with pytest.raises(ValueError, match="headings"):
        PaperTable("", ("a", "b"), frozenset(), (("1",),))
