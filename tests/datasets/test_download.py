import hashlib
import io
import pickle
import socket
import tarfile
import threading
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from urllib.error import URLError

import numpy as np
import pytest
import torchvision.datasets

from peephole.datasets.base import DATASETS
from peephole.datasets.cifar10 import Cifar10
from peephole.datasets.download import download
from peephole.errors import PeepholeError

PER_CLASS = {"train": 5, "test": 1}


@pytest.fixture(autouse=True)
def _small_release(monkeypatch):
    monkeypatch.setattr(Cifar10, "per_class", PER_CLASS)


def archive():
    """A CIFAR-10 of ten pictures a file, packed as the release is; and the files."""
    labels = list(range(10))
    batch = pickle.dumps({"data": np.zeros((10, 3072), np.uint8), "labels": labels}, 2)
    files = {name: batch for names in Cifar10.batches.values() for name in names}
    files["batches.meta"] = pickle.dumps({"label_names": list(Cifar10.classes)}, 2)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue(), files


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def release(tmp_path, monkeypatch):
    """What torchvision downloads, from a server of our own."""
    (tmp_path / "served").mkdir()
    packed, files = archive()
    path = tmp_path / "served" / "cifar-10-python.tar.gz"
    path.write_bytes(packed)
    md5 = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    theirs = torchvision.datasets.CIFAR10
    with HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=path.parent)) as server:
        monkeypatch.setattr(theirs, "url", f"http://127.0.0.1:{server.server_port}/{path.name}")
        monkeypatch.setattr(theirs, "tgz_md5", hashlib.md5(packed).hexdigest())
        for split in ("train", "test"):
            monkeypatch.setattr(theirs, f"{split}_list", [[name, md5[name]] for name in Cifar10.batches[split]])
        monkeypatch.setattr(theirs, "meta", {**theirs.meta, "md5": md5["batches.meta"]})
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        yield path
        server.shutdown()
        thread.join()


def refused(match, name, folder):
    with pytest.raises(PeepholeError, match=match) as error:
        download(name, folder)
    assert "\n" not in str(error.value)


def never(*_, **__):
    raise AssertionError("nothing is to be downloaded")


def test_cifar10_is_fetched_once_to_where_it_is_found(release, tmp_path, monkeypatch):
    download("cifar10", tmp_path / "data")
    dataset = Cifar10(folder=tmp_path / "data")
    assert dataset.form == "original"
    assert dataset.load("train").images.shape == (50, 3, 32, 32)
    monkeypatch.setattr(torchvision.datasets, "CIFAR10", never)
    download("cifar10", tmp_path / "data")


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"<html>"), None])
def test_trouble_on_the_way_is_one_line(release, tmp_path, monkeypatch, damage):
    if damage:
        damage(release)
    else:
        (tmp_path / "data").write_text("a file in the way")
    before = socket.getdefaulttimeout()
    refused(
        r"download of cifar10 to .*data failed \(.+\); expected .*; try again, or place .*--data",
        "cifar10",
        tmp_path / "data",
    )
    assert socket.getdefaulttimeout() == before


def test_no_connection_is_one_line(tmp_path, monkeypatch):
    def offline(*_, **__):
        raise URLError("Name or service not known")

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", offline)
    refused(r"failed \(<urlopen error Name or service not known>\)", "cifar10", tmp_path)


def test_what_needs_no_files_needs_no_download(tmp_path):
    download("shapes", tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("name", "source"), [("imagenet", r"image-net\.org or Kaggle, on their terms"), ("folder", "your own pictures")]
)
def test_what_cannot_be_downloaded_says_where_it_is_from_and_what_is_missing(tmp_path, name, source):
    assert not hasattr(DATASETS[name], "download")
    refused(
        rf"data set {name} cannot be downloaded \(.*{source}.*\); get it there; no .*; expected .*--data DIR",
        name,
        tmp_path,
    )


def test_what_failed_to_download_completely_is_still_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(torchvision.datasets, "CIFAR10", lambda *_, **__: None)
    refused("no CIFAR-10 in", "cifar10", tmp_path)
