import pytest

from peephole.files import write_atomically


def test_an_interrupted_write_leaves_the_old_content(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def interrupted(file):
        file.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, interrupted)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
