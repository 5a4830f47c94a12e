"""The report in a real browser, at the widths of a desktop and of a phone, with no network.

What it shows is held against the tables, not against what the page was made from.
"""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from browsing import WIDTHS, browser, overflow, reader

import peephole
from peephole.claims.writing import write_reproduction
from peephole.datasets.shapes import Shapes
from peephole.leaderboard.claim_result import ClaimPart, ClaimResult, Estimate, Expectation, Reproduction
from peephole.leaderboard.compare import compare_rows
from peephole.leaderboard.differences import Side, paired_differences
from peephole.leaderboard.stored_board import open_board
from peephole.leaderboard.tables import read_csv
from peephole.leaderboard.verdict import Criterion
from peephole.machine import Machine
from peephole.report.report import report_on

SMALL = peephole.Options(
    seeds=2, samples=16, triggers=("square", "x"), methods=("input_x_gradient", "grad_cam", "guided_backprop")
)
PLACES = """() => {
    const line = document.querySelector("[data-trigger]:not([hidden]) .question");
    return [...line.querySelectorAll(".tile[data-layer] .frame")].map(frame => {
        const image = frame.querySelector("img");
        const box = frame.getBoundingClientRect(), at = image.getBoundingClientRect();
        const [left, top] = [(box.left - at.left) / box.width, (box.top - at.top) / box.height];
        return [image.getAttribute("src"), Math.round(left), Math.round(top), Math.round(at.width / box.width)];
    });
}"""
"""Of the first picture's maps: which file, which column and row of it are shown, and how many columns it has."""
ROWS = """rows => rows.map(row => {
    const cells = [...row.children].slice(1);
    return [row.dataset.measure, ...cells.map(cell => cell.textContent.trim())];
})"""
pytestmark = pytest.mark.slow  # .ci/run looks at the report of the main job with them
PARTS = tuple(
    ClaimPart(Expectation(name, "It rises with the layers.", "ρ, −1 to 1", Criterion("above")), estimate)
    for name, estimate in (
        ("a", Estimate(0.5, 0.4, 0.6, 9, "pictures")),
        ("b", Estimate(0, -1, 1, 9, "pictures")),
        ("c", None),
    )
)
CLAIMS = Reproduction(
    "quick/v1",
    "resnet8 on shapes",
    "peephole reproduce --quick",
    True,
    (0, 1),
    {"machine": "one"},
    {"plant square, seed 0": "abc"},
    (ClaimResult("trends", 1, "Trends", "P1", "It rises.", "A curve.", "A test.", PARTS, "trends.png", "Lines."),),
)
HOSTILE = "<img src=x onerror=alert(1)>'\"&lt;b>"


@pytest.fixture(scope="module")
def launched():
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The folder of a small run with its report, or of the one that PEEPHOLE_RESULTS names."""
    if "PEEPHOLE_RESULTS" in os.environ:
        return Path(os.environ["PEEPHOLE_RESULTS"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 3000, "test": 600})
        folder = tmp_path_factory.mktemp("run") / "results"
        peephole.run("quick", out=folder, options=SMALL, machine=Machine("cpu"))
        write_reproduction(CLAIMS, folder)
        shutil.copy(folder / "triggers.png", folder / "claims" / "trends.png")
        report_on(folder)
    return folder


@pytest.fixture(scope="module")
def site(results):
    return results / "report"


@pytest.fixture(scope="module")
def board(results):
    return read_csv(results / "leaderboard.csv")


@pytest.fixture(params=WIDTHS)
def width(request):
    return request.param


@pytest.fixture
def read(launched, site, width):
    with reader(launched, site, width) as found:
        yield found


def shown(value, places=2):
    """A number as pages write it."""
    if pd.isna(value):
        return "–"
    text = f"{value:.{places}f}"
    return (text.lstrip("-") if float(text) == 0 else text).replace("-", "−")


def table_of(page):
    """The rows of the leaderboard as dictionaries by heading, as a reader sees them."""
    page.wait_for_selector("table.board[data-ready]")
    return page.evaluate(
        """() => [...document.querySelectorAll("table.board tbody tr")].map(row => Object.fromEntries(
            [["row", [row.dataset.method, row.dataset.layer]],
             ...[...row.children].map(cell => [cell.dataset.label, cell.textContent.trim()])]))"""
    )


def key(row):
    return row["method"], row["layer"]


def choose(page, name, value):
    page.locator(f"select[name={name}]").select_option(value)


def test_no_page_has_an_error_or_is_wider_than_the_screen(read, site):
    paths = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    methods = [path for path in paths if path.startswith("methods/")]
    for path in [path for path in paths if path not in methods[4:]]:
        page = read.open(path)
        assert overflow(read.settled()) <= 0, path
        assert page.locator("h1").count() == 1
        assert read.errors == [], path


def test_the_leaderboard_shows_what_the_csv_says(read, board):
    rows = table_of(read.open("index.html"))
    expected = board[board["best_layer"] | (board["kind"] == "calibration")]
    assert [tuple(row["row"]) for row in rows] == list(map(key, expected.to_dict("records")))
    for row, known in zip(rows, expected.to_dict("records"), strict=True):
        assert row["Method"].removesuffix(" submitted") == known["method"]
        assert row["Layer"] == known["layer"]
        tie = "" if pd.isna(known["tie_group"]) else f" tie {known['tie_group']}"
        assert row["Rank"] == (known["rank_interval"] or "–") + tie
        bounds = f"[{shown(known['score_lo'])}, {shown(known['score_hi'])}]"
        assert row["Score"].split(" ", 1) == [shown(known["score"]), bounds]
        assert row["Counterfactual restore"] == shown(known["restore"])
        assert row["MoRF minus LeRF"] == shown(known["morf_minus_lerf"])
        assert row["Passes"] == shown(known["passes"], 1)
        assert row["ms"] == shown(known["ms_per_image"])
        assert row["Invalid"] == str(known["n_invalid"])


def test_every_layer_and_one_layer(read, board):
    page = read.open("index.html")
    choose(page, "layer", "*")
    assert [tuple(row["row"]) for row in table_of(page)] == list(map(key, board.to_dict("records")))
    layer = board.loc[board["kind"] == "method", "layer"].iloc[-1]
    choose(page, "layer", layer)
    page.get_by_label("calibration rows").uncheck()
    own = board[(board["layer"] == layer) & (board["kind"] == "method")]
    assert [tuple(row["row"]) for row in table_of(page)] == list(map(key, own.to_dict("records")))


def test_a_trigger_shows_the_scores_of_that_trigger(read, results, board):
    page = read.open("index.html")
    scores = read_csv(results / "scores.csv")
    for trigger in ("x", "square"):
        choose(page, "trigger", trigger)
        choose(page, "layer", "*")
        rows = table_of(page)
        assert len(rows) == len(board)
        own = scores[(scores["trigger"] == trigger) & (scores["metric"] == "restore") & scores["certified"]]
        means = own.groupby(["method", "layer"])["value"].mean()
        assert {tuple(row["row"]): row["Counterfactual restore"] for row in rows} == {
            place: shown(mean) for place, mean in means.items()
        }
        answer = page.locator("section.answer:visible")
        assert answer.count() == 1
        choose(page, "layer", "")
        first = next(
            row for row in table_of(page) if row["row"][0] in set(board.loc[board["kind"] == "method", "method"])
        )
        assert first["row"][0] in answer.locator(".headline").inner_text()
        assert first["row"][1] in answer.locator(".headline").inner_text()


def test_columns_are_sorted_from_the_keyboard(launched, site, board):
    with reader(launched, site) as read:
        page = read.open("index.html")
        choose(page, "layer", "*")
        page.get_by_label("calibration rows").uncheck()
        methods = board[board["kind"] == "method"]
        page.locator('th button[data-key="passes"]').focus()
        page.keyboard.press("Enter")
        assert page.locator("th[aria-sort=ascending]").inner_text().startswith("Passes")
        found = [row["row"] for row in table_of(page)]
        expected = methods.sort_values(["passes", "rank"], kind="stable")
        assert [tuple(row) for row in found] == list(map(key, expected.to_dict("records")))
        page.keyboard.press("Space")
        assert page.locator("th[aria-sort=descending]").inner_text().startswith("Passes")
        costs = [float(row["Passes"]) for row in table_of(page)]
        assert costs == sorted(costs, reverse=True)
        assert page.evaluate("document.activeElement.dataset.key") == "passes"


def test_the_phone_sorts_by_a_list(launched, site, board):
    with reader(launched, site, "phone") as read:
        page = read.open("index.html")
        choose(page, "sort", "restore")
        choose(page, "layer", "*")
        values = [float(row["Counterfactual restore"].replace("−", "-")) for row in table_of(page)]
        assert values == sorted(values)
        page.get_by_label("worst first").check()
        assert table_of(page)[0]["Counterfactual restore"] == shown(board["restore"].max())


def test_methods_are_found_by_a_part_of_their_name(read):
    page = read.open("index.html")
    page.get_by_label("Method", exact=True).fill("GRAD")
    names = [row["row"][0] for row in table_of(page)]
    assert names
    assert all("grad" in name for name in names)
    page.get_by_label("Method", exact=True).fill("no such method")
    assert table_of(page) == []
    assert page.locator("#shown").inner_text().startswith("0 of")


def test_what_is_chosen_is_in_the_address(read):
    page = read.open("index.html")
    choose(page, "trigger", "x")
    choose(page, "sort", "passes")
    before, address = table_of(page), page.url
    page = read.open("index.html", address[address.index("#") :])
    assert table_of(page) == before


def test_other_metrics_are_added(read, board):
    page = read.open("index.html")
    page.locator("#columns summary").click()
    page.get_by_label("Truth AUPRC").check()
    best = board[board["best_layer"] | (board["kind"] == "calibration")]
    assert [row["Truth AUPRC"] for row in table_of(page)] == [shown(value) for value in best["truth_auprc"]]
    assert overflow(page) <= 0


def test_a_method_is_opened_and_its_layer_switched(read, board):
    page = read.open("index.html")
    choose(page, "trigger", "x")
    page.locator("table.board tbody").get_by_role("link", name="grad_cam", exact=True).click()
    assert page.locator("h1").inner_text() == "grad_cam"
    own = board[board["method"] == "grad_cam"].set_index("layer")
    rows = page.locator("section table").first.locator("tbody tr")
    for row in rows.all():
        cells = [cell.inner_text() for cell in row.locator("td").all()]
        known = own.loc[row.locator("th").inner_text().split()[0]]
        assert cells[0] == known["rank_interval"]
        assert cells[1].split()[0] == shown(known["score"])
    choose(page, "trigger", "x")
    tiles = page.locator("figure.tile[data-layer]:visible")
    assert tiles.count() > len(own)
    choose(page, "layer", "layer2.0")
    assert set(tiles.evaluate_all("found => found.map(each => each.dataset.layer)")) == {"layer2.0"}
    assert page.locator("[data-trigger=x]").is_visible()
    assert not page.locator("[data-trigger=square]").is_visible()
    read.settled()
    drawn = page.locator("figure.chart svg").count()
    assert drawn == page.locator("figure.chart").count() >= 2


def test_the_maps_shown_are_those_of_the_layer(launched, site):
    """A tile is cut from its method's sheet: another layer is another part of it."""
    with reader(launched, site) as read:
        page = read.open("methods/input_x_gradient.html")
        read.settled()
        pixels = page.evaluate(PLACES)
        assert len(pixels) > 1
        assert [column for _, column, _, _ in pixels] == list(range(len(pixels)))
        assert {columns for *_, columns in pixels} == {len(pixels)}


def test_two_methods_are_compared_as_on_the_command_line(read, results):
    board = open_board(results)
    page = read.open("compare.html")
    choose(page, "a", "grad_cam")
    choose(page, "b", "input_x_gradient")
    page.wait_for_selector("#differences[data-ready]")
    best = {method: (method, kind, layer) for method, kind, layer in board.best_rows}
    report = compare_rows(board, best["grad_cam"], best["input_x_gradient"])
    rows = page.locator("#differences tbody tr")
    found = rows.evaluate_all(ROWS)
    expected = []
    for each in report.pairs[0].comparisons:
        bounds = "" if pd.isna(each.low) else f"[{shown(each.low, 3)}, {shown(each.high, 3)}]"
        p = "<0.001" if each.p_corrected < 0.001 else shown(each.p_corrected, 3)
        difference = f"{shown(each.difference, 3)} {bounds}".strip()
        expected.append([each.measure, shown(each.a, 3), shown(each.b, 3), difference, p, each.verdict])
    assert found == expected
    choose(page, "a", "input_x_gradient")
    choose(page, "b", "grad_cam")
    swapped = rows.first.locator("td").all_inner_texts()
    assert swapped[2].split()[0] == shown(-report.pairs[0].comparisons[0].difference, 3)
    lineup = board.lineup
    choose(page, "trigger", "x")
    conditions = [each for each in lineup.conditions if each.trigger == "x"]
    alone = replace(lineup, pictures={"x": lineup.pictures["x"]}, conditions=tuple(conditions))
    sides = (Side(alone, [lineup.rows.index(best[name])]) for name in ("input_x_gradient", "grad_cam"))
    (difference,) = paired_differences(*sides, ())
    told = page.locator("#verdict").inner_text()
    assert "the backdoor x" in told
    assert shown(abs(difference.difference[0])) in told or shown(difference.difference[0]) in told
    choose(page, "a_layer", "stem")
    assert "not tested here" in rows.first.inner_text()
    assert "peephole compare" in page.locator("#how").inner_text()
    if page.locator("#maps").count():
        assert page.locator("#maps .tile").count() >= 3


def test_names_with_html_are_shown_and_not_run(launched, results, tmp_path, width):
    from peephole.report.report import report_on

    folder = shutil.copytree(results, tmp_path / "results", ignore=shutil.ignore_patterns("store", "report"))
    for name in ("leaderboard.csv", "scores.csv", "models.csv"):
        frame = read_csv(folder / name)
        for column, old, new in (
            ("method", "grad_cam", HOSTILE),
            ("trigger", "x", f"x{HOSTILE}"),
            ("layer", "stem", f"l{HOSTILE}"),
        ):
            if column in frame:
                frame[column] = frame[column].replace(old, new)
        frame.to_csv(folder / name, index=False)
    site = report_on(folder).parent
    with reader(launched, site, width) as read:
        page = read.open("index.html")
        assert HOSTILE in [row["row"][0] for row in table_of(page)]
        page.get_by_role("link", name=HOSTILE).first.click()
        assert page.locator("h1").inner_text() == HOSTILE
        page = read.open("compare.html")
        choose(page, "a", HOSTILE)
        choose(page, "a_layer", f"l{HOSTILE}")
        assert HOSTILE in page.locator("#verdict").inner_text()
        for path in site.rglob("*.html"):
            read.open(path.relative_to(site).as_posix())
            assert overflow(read.settled()) <= 0, path


def test_a_folder_without_a_board_says_what_is_missing(launched, results, tmp_path, width):
    from peephole.report.report import report_on

    folder = tmp_path / "results"
    folder.mkdir()
    shutil.copy(results / "peephole.json", folder)
    site = report_on(folder).parent
    with reader(launched, site, width) as read:
        for path in ("index.html", "compare.html", "cost.html", "models.html", "kis.html", "definitions.html"):
            page = read.open(path)
            assert "leaderboard.csv" in page.locator(".notice").first.inner_text()
            assert overflow(page) <= 0


def test_light_and_dark(launched, site):
    colour = "getComputedStyle(document.body).backgroundColor"
    with reader(launched, site, scheme="light") as read:
        page = read.open("cost.html")
        read.settled()
        light = page.evaluate(colour)
        text = "document.querySelector('figure.chart svg text').getAttribute('fill')"
        before = page.evaluate(text)
        page.locator("#theme").click()
        assert page.evaluate(colour) != light
        page.wait_for_function(f"{text} !== {json.dumps(before)}")
        assert read.open("index.html").evaluate(colour) != light  # it is remembered
    with reader(launched, site, scheme="dark") as read:
        assert read.open("index.html").evaluate(colour) != light


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_can_be_used_by_everybody(launched, site, scheme):
    """What axe finds: contrast, headings, labels, alternative texts, names of tables' cells, keyboards."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install '.[test]'").Axe()
    method = min((site / "methods").iterdir()).name
    model = min((site / "models").iterdir()).name
    for path in (
        "index.html",
        "compare.html",
        "cost.html",
        "kis.html",
        "models.html",
        "definitions.html",
        *(path.name for path in site.glob("claims.html")),
        f"methods/{method}",
        f"models/{model}",
    ):
        with reader(launched, site, "phone" if scheme == "dark" else "desktop", scheme) as read:
            read.open(path)
            found = axe.run(read.settled(), options={"preload": False}).response["violations"]
            told = [(one["id"], [node["html"][:120] for node in one["nodes"]][:3]) for one in found]
            assert told == [], path
