"""Every figure in every format: what it says, that it is whole, and the same each time."""

import json

import numpy as np
import pytest
from pypdf import PdfReader

from peephole.errors import PeepholeError
from peephole.figures.base import FIGURES, PAGE, Selection
from peephole.figures.making import make_figure
from peephole.figures.results import Results
from peephole.figures.style import paper_style

ODD = "odd_$x^2$ 50% {a|b}"


def text_of(path):
    (page,) = PdfReader(path).pages
    return " ".join(page.extract_text().split())


def drawn(name, folder, **chosen):
    with paper_style():
        return FIGURES[name]().draw(Results(folder), Selection(**chosen), PAGE)


@pytest.mark.parametrize("name", list(FIGURES))
def test_a_figure_is_text_in_embedded_truetype_and_says_what_it_shows(name, results, tmp_path):
    """A glyph that the font lacks would be a warning, and warnings are errors."""
    caption = make_figure(name, results, tmp_path / "a.pdf")
    assert "quick/v1" in caption
    reader = PdfReader(tmp_path / "a.pdf")
    assert reader.metadata.subject == caption
    assert reader.metadata.get("/CreationDate") is None
    fonts = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]
    assert {str(font["/Subtype"]) for font in fonts} <= {"/Type0", "/TrueType"}
    assert float(reader.pages[0].mediabox.width) == pytest.approx(72 * FIGURES[name].width)
    assert len(text_of(tmp_path / "a.pdf")) > 40


@pytest.mark.parametrize(
    ("name", "form"), [("layer_curves", "pdf"), ("layer_curves", "svg"), ("pareto", "eps"), ("pareto", "png")]
)
def test_the_same_results_are_the_same_bytes(name, form, results, tmp_path, monkeypatch):
    paths = [tmp_path / f"{number}.{form}" for number in range(2)]
    for path, moment in zip(paths, ("1", "2"), strict=True):
        monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
        monkeypatch.setattr("time.time", lambda moment=moment: float(moment) * 1e9)
        make_figure(name, results, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert not [path for path in tmp_path.iterdir() if path not in paths]


def test_names_are_written_as_they_are(tables, tmp_path):
    make_figure("pareto", tables, tmp_path / "a.pdf")
    text = text_of(tmp_path / "a.pdf")
    assert ODD in text
    assert "guided_backprop" in text
    assert "oracle" not in text


def test_curves_are_the_numbers_of_the_board(tables):
    drawing = drawn("layer_curves", tables)
    board = Results(tables).board
    panels = drawing.figure.axes
    assert [axes.get_title() for axes in panels] == ["completeness ↑", "restore ↓"]
    for axes, metric in zip(panels, ("completeness", "restore"), strict=True):
        lines = {line.get_label(): line for line in axes.get_lines()}
        assert set(lines) == {"gradient", "grad_cam", "guided_backprop", "chance"}
        own = board[board["method"] == "grad_cam"].set_index("layer")[metric]
        labels = [label.get_text() for label in axes.get_xticklabels()]
        assert labels == ["input", "stem", "layer1.0", "layer2.0", "layer3.0"]
        assert lines["grad_cam"].get_ydata() == pytest.approx([own[label] for label in labels])
        assert lines["chance"].get_ydata() == pytest.approx([0.5, 0.5])


def test_curves_of_one_trigger_are_the_means_of_its_scores(tables):
    drawing = drawn("layer_curves", tables, triggers=("Square",), metrics=("kis",), methods=("grad-cam", "gradient"))
    (axes,) = drawing.figure.axes
    scores = Results(tables).scores
    own = scores.query("trigger == 'square' and metric == 'kis' and method == 'grad_cam'")["value"]
    (line,) = [line for line in axes.get_lines() if line.get_label() == "grad_cam"]
    assert line.get_ydata() == pytest.approx(own.to_numpy(), abs=1e-9)
    assert "under square" in drawing.caption
    assert len(axes.get_lines()) == 3


def test_a_method_at_one_layer_is_a_point(tables):
    (axes,) = drawn("layer_curves", tables, methods=(ODD, "gradient"), metrics=("restore",)).figure.axes
    (line,) = [line for line in axes.get_lines() if line.get_label() == ODD]
    assert np.isfinite(line.get_ydata()).tolist() == [True, False, False, False, False]


def test_the_front_is_the_boards(tables):
    (axes,) = drawn("pareto", tables).figure.axes
    board = Results(tables).board
    front = board[board["pareto"]]
    (line,) = [line for line in axes.get_lines() if line.get_label() == "on the front"]
    assert sorted(line.get_ydata()) == pytest.approx(sorted(front["score"]))


def test_names_beside_points_do_not_cover_each_other(tables):
    figure = drawn("pareto", tables).figure
    renderer = figure.canvas.get_renderer() if hasattr(figure.canvas, "get_renderer") else None
    boxes = [text.get_window_extent(renderer).shrunk(0.98, 0.8) for text in figure.axes[0].texts]
    assert len(boxes) == 4
    assert not [1 for i, one in enumerate(boxes) for other in boxes[:i] if one.overlaps(other)]


def test_heatmaps_are_images_with_outlines_and_scores(results, tmp_path):
    make_figure("heatmaps(pictures=1)", results, tmp_path / "a.pdf", selection=Selection(methods=("gradient",)))
    page = PdfReader(tmp_path / "a.pdf").pages[0]
    assert len(page.images) == 6
    text = text_of(tmp_path / "a.pdf")
    assert "gradient" in text
    assert "layer3.0" in text
    assert text.count("0.") >= 5


def test_cascades_are_computed_once(results, tmp_path):
    place, path = results / "store" / "alignment", tmp_path / "a.pdf"
    before = set(place.rglob("*.h5"))
    make_figure("cascades(pictures=4, seed=1)", results, path)
    made = {shard: shard.stat().st_mtime_ns for shard in set(place.rglob("*.h5")) - before}
    assert len(made) == 2
    make_figure("cascades(pictures=4, seed=1)", results, path)
    assert set(place.rglob("*.h5")) == before | set(made)
    assert {shard: shard.stat().st_mtime_ns for shard in made} == made


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fig4"], "unknown figure 'fig4'"),
        (["layer_curves", "--out", "a.gif"], "let it end in one of: .pdf, .svg, .eps, .png"),
        (["layer_curves", "--methods", "grad_cm"], "unknown method on this board 'grad_cm'. Did you mean 'grad_cam'"),
        (["layer_curves", "--metrics", "ebpg"], "unknown metric 'ebpg'"),
        (["layer_curves", "--triggers", "wanet"], "unknown trigger of this run 'wanet'"),
        (["layer_curves", "--metrics", ","], "--metrics names none"),
        (["pareto", "--metrics", "kis"], "has no --metrics; it takes --methods"),
        (["pareto", "--width", "0.5"], "--width is in inches, from 2 to 40, not 0.5"),
        (["heatmaps"], "request.json"),
        (["cascades(pictures=0)"], "pictures"),
        (["kis"], "request.json"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(arguments, words, tables, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    name, *flags = arguments
    code, out, errors = command("figure", name, tables, *flags)
    assert (code, out) == (2, "")
    assert words in errors
    assert len(errors.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_what_a_store_lacks_is_said(results, tmp_path):
    for name, chosen, words in (
        ("heatmaps", {"triggers": ("square", "badnet")}, "one trigger at a time"),
        ("heatmaps", {"triggers": ("wanet",)}, "unknown trigger"),
        ("cascades", {"methods": ("integrated_gradients",)}, "one backward pass"),
        ("cascades", {"methods": ("gradient", "gradient")}, "named twice"),
    ):
        with pytest.raises(PeepholeError, match=words):
            make_figure(name, results, tmp_path / "a.pdf", selection=Selection(**chosen))
    assert not list(tmp_path.iterdir())


def test_the_command_writes_a_file_and_says_its_caption(tables, tmp_path, command):
    code, out, _ = command("figure", "pareto", tables, "--out", tmp_path / "a.svg", "--width", "3.4", "--json")
    assert code == 0
    answer = json.loads(out)
    assert answer["figure"] == "pareto"
    assert answer["caption"] in (tmp_path / "a.svg").read_text(encoding="utf-8")


def test_figures_are_listed(command):
    _, out, _ = command("list", "figures", "--json")
    entries = json.loads(out)
    assert [entry["name"] for entry in entries] == ["cascades", "heatmaps", "kis", "layer_curves", "pareto"]
    assert all(entry["title"] and entry["source"] for entry in entries)
