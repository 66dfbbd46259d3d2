"""Tests of sna.sources.fetch against a local server that answers as publishers do."""

import gzip
import hashlib
import http.server
import threading
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest

from sna.errors import SourceError, UsageError
from sna.sources.fetch import fetch, plan_downloads

BODY = b"Month,Offences\n" + b"2024-01,3\n" * 50_000


class Publisher(http.server.BaseHTTPRequestHandler):
    """Serves one file in several moods, by path."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str, str, str]]] = []

    def do_GET(self):
        self.seen.append((self.path, self.headers.get("Range", ""), self.headers["User-Agent"]))
        mood = self.path.strip("/")
        times = sum(path == self.path for path, _, _ in self.seen)
        if mood == "missing":
            self.answer(404, b"gone")
        elif mood == "busy" and times == 1:
            self.answer(429, b"slow down", {"Retry-After": "0"})
        elif mood == "packed" and "gzip" in self.headers.get("Accept-Encoding", ""):
            self.answer(200, gzip.compress(BODY), {"Content-Encoding": "gzip"})
        elif mood == "page":
            self.answer(200, b"<!DOCTYPE html><html><body>Sign in</body></html>")
        elif mood == "empty":
            self.answer(200, b"")
        elif mood == "cut" and times == 1:
            self.send_response(200)
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY[:300_000])
            self.wfile.flush()
            self.close_connection = True
        elif mood == "changed" and times == 1:
            self.send_response(200)
            self.send_header("Content-Length", str(len(BODY)))
            self.send_header("ETag", '"first"')
            self.end_headers()
            self.wfile.write(b"x" * 300_000)
            self.wfile.flush()
            self.close_connection = True
        elif mood == "changed" and self.headers.get("If-Range") == '"first"':
            self.answer(200, BODY, {"ETag": '"second"'})
        elif mood == "always-cut":
            self.send_response(200)
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.close_connection = True
        elif self.headers.get("Range"):
            start = int(self.headers["Range"][6:-1])
            self.answer(206, BODY[start:])
        else:
            self.answer(200, BODY)

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    Publisher.seen = []
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()
    thread.join()


def get(server: str, mood: str, tmp_path: Path, sha256: str = "") -> Path:
    target, work = tmp_path / "raw" / "file.csv", tmp_path / "work"
    return fetch(f"{server}/{mood}", target, work=work, sha256=sha256, wait_seconds=0.01)


def test_a_whole_file_arrives_and_no_part_is_left(server, tmp_path):
    path = get(server, "good", tmp_path)
    assert path.read_bytes() == BODY
    assert [item.name for item in (tmp_path / "raw").iterdir()] == ["file.csv"]
    assert not list((tmp_path / "work").iterdir())


def test_a_server_that_can_pack_what_it_sends_is_asked_not_to(server, tmp_path):
    assert get(server, "packed", tmp_path).read_bytes() == BODY


def test_we_say_who_we_are(server, tmp_path):
    get(server, "good", tmp_path)
    assert Publisher.seen[0][2].startswith("sna/")


def test_a_cut_download_goes_on_where_it_stopped(server, tmp_path):
    assert get(server, "cut", tmp_path).read_bytes() == BODY
    assert [item[1] for item in Publisher.seen] == ["", "bytes=262144-"]


def test_a_file_that_changed_between_two_tries_is_taken_anew_and_never_mixed(server, tmp_path):
    assert get(server, "changed", tmp_path).read_bytes() == BODY
    assert [item[1] for item in Publisher.seen] == ["", "bytes=262144-"]
    assert not list((tmp_path / "work").iterdir())


def test_a_download_that_is_always_cut_ends_in_an_error_and_leaves_raw_empty(server, tmp_path):
    with pytest.raises(SourceError, match="was cut 5 times"):
        get(server, "always-cut", tmp_path)
    assert not (tmp_path / "raw").exists()


def test_a_busy_server_is_asked_again(server, tmp_path):
    assert get(server, "busy", tmp_path).read_bytes() == BODY


@pytest.mark.parametrize(
    ("mood", "message"),
    [("missing", "answered 404"), ("page", "sent a web page"), ("empty", "empty file")],
)
def test_what_is_not_the_file_never_reaches_raw(server, tmp_path, mood, message):
    with pytest.raises(SourceError, match=message):
        get(server, mood, tmp_path)
    assert not (tmp_path / "raw").exists()


def test_a_checksum_that_differs_is_refused(server, tmp_path):
    with pytest.raises(SourceError, match="checksum differs"):
        get(server, "good", tmp_path, sha256="0" * 64)
    good = get(server, "good", tmp_path, sha256=hashlib.sha256(BODY).hexdigest())
    assert good.exists()


def test_downloads_may_not_gather_inside_raw(server, tmp_path):
    with pytest.raises(UsageError, match="may not gather inside"):
        fetch(f"{server}/good", tmp_path / "file.csv", work=tmp_path / "work")


LIST = pd.DataFrame(
    {
        "download_id": ["archive", "page"],
        "title": ["An archive", "A page"],
        "publisher": "Us",
        "licence": "OGL",
        "address": ["http://127.0.0.1/{month}.zip", "http://127.0.0.1/"],
        "file_name": ["archive_{month}.zip", ""],
        "note": ["needs --month", "download by hand"],
    }
)


def test_the_month_is_filled_in():
    (found,) = plan_downloads(LIST, ("archive",), month="2024-03")
    assert (found["address"], found["file_name"]) == (
        "http://127.0.0.1/2024-03.zip",
        "archive_2024-03.zip",
    )


@pytest.mark.parametrize(
    ("name", "month", "message"),
    [("archive", "", "needs a month"), ("archive", "March", "needs a month"),
     ("page", "", "download by hand"), ("other", "", "no such download")],
)  # fmt: skip
def test_a_plan_that_cannot_be_meant_is_refused(name, month, message):
    with pytest.raises(UsageError, match=message):
        plan_downloads(LIST, (name,), month=month)
