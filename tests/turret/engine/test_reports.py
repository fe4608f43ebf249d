"""Reports are found and opened below allowed roots only, whatever lies there."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from turret.engine import reports
from turret.engine.below import way_to
from turret.engine.globs import matches
from turret.engine.reports import (
    Named,
    Report,
    chunks,
    look_at,
    open_report,
    read_named,
    search,
)
from turret.engine.tails import Untold

ID = "4Bi5xBK6E2Nbhj"
GLOBS = ["**/multiqc_report.html", "**/*_report.html"]
HEAD = "key\tpath\tsize\tdisplay\tmime_type\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "root"
    place.mkdir()
    return place


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    place = tmp_path / "outside"
    place.mkdir()
    (place / "multiqc_report.html").write_text("a secret")
    return place


def write(path: Path, text: str = "<p>hello") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def tsv(root: Path, text: str | bytes) -> list[Named]:
    data = text.encode() if isinstance(text, str) else text
    (root / f"nf-{ID}-reports.tsv").write_bytes(data)
    return read_named(str(root), ID, root)


def paths(found: list[Report]) -> list[str]:
    return [report.path for report in found]


def test_what_nextflow_lists_is_read(root: Path) -> None:
    text = (
        f"{HEAD}multiqc_report.html\t/data/out/multiqc_report.html\t12\tMultiQC\t\n"
        "*.csv\tfile:///data/a%20b.csv\t1\tTable\ttext/csv\n"
        "*.out\ts3://bucket/x.out\t1\t\tTEXT/HTML\n"
    )
    assert tsv(root, text) == [
        Named("/data/out/multiqc_report.html", "MultiQC", ""),
        Named("/data/a b.csv", "Table", "text/csv"),
        Named("s3://bucket/x.out", "", "text/html"),
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0),
        ("\n\n\n", 0),
        (HEAD, 0),
        (f"{HEAD}k\t/data/a.html\t1\tA\ttext/html", 0),  # still being written
        (f"{HEAD}k\t/data/a.html\t1\tA\ttext/html\r\n", 1),
        (f"{HEAD}k\t/data/a.html\n", 1),
        (f"{HEAD}k\n\n\t\t\t\n", 0),
        ("path\n/data/a.html\n", 1),
        ("key\tsize\nk\t/data/a.html\n", 0),
        (f"{HEAD}k\t/data/\0.html\t\t\t\n", 0),
        (f"{HEAD}k\t/data/\x1b[31m.html\t\t\t\n", 0),
        (f"{HEAD}k\t/data/{'x' * 5000}\t\t\t\n", 0),
        (f"{HEAD}k\t/data/a.html\t1\tA\t\n" * 5, 2),  # its head, taken for a path
        (HEAD + "".join(f"k\t/data/{n}.html\t\t\t\n" for n in range(1000)), 100),
        (b"\xff\xfe" * 1000, 0),
        (bytes(range(256)) * 16, 0),
        (HEAD.encode() + b"k\t/data/\xff.html\t1\t\xff\t\n", 1),
        (b"\0" * (1 << 20), 0),
        (HEAD.encode() + b"\t" * (2 << 20), 0),
    ],
)
def test_any_list_is_read_as_far_as_it_is_one(
    root: Path, text: str | bytes, number: int
) -> None:
    assert len(tsv(root, text)) == number


def test_of_a_huge_list_the_beginning_is_read(root: Path) -> None:
    path = root / f"nf-{ID}-reports.tsv"
    path.write_text(f"{HEAD}k\t/data/a.html\t\t\t\n")
    os.truncate(path, 1 << 40)
    [named] = read_named(str(root), ID, root)
    assert named.path == "/data/a.html"


def test_what_a_report_is_called_fits_a_line(root: Path) -> None:
    [named] = tsv(root, f"{HEAD}k\t/data/a.html\t1\t a\x1b\u202e{'b' * 999}\tx/y\n")
    assert named == Named("/data/a.html", "a" + "b" * 199, "")


def linked(place: Path, outside: Path) -> None:
    place.symlink_to(outside / "multiqc_report.html")


def fifo(place: Path, _outside: Path) -> None:
    os.mkfifo(place)


def directory(place: Path, _outside: Path) -> None:
    place.mkdir()


def device(place: Path, _outside: Path) -> None:
    place.symlink_to("/dev/zero")


def loop(place: Path, _outside: Path) -> None:
    place.symlink_to(place.name)


def nothing(place: Path, _outside: Path) -> None:
    place.unlink(missing_ok=True)


Make = Callable[[Path, Path], None]
HOSTILE = pytest.mark.parametrize(
    "make", [linked, fifo, directory, device, loop, nothing]
)


@HOSTILE
def test_a_list_that_is_no_file_is_none(root: Path, outside: Path, make: Make) -> None:
    (outside / "multiqc_report.html").write_text(f"{HEAD}k\t/data/a.html\t\t\t\n")
    make(root / f"nf-{ID}-reports.tsv", outside)
    assert read_named(str(root), ID, root) == []


@HOSTILE
def test_what_is_no_file_below_a_root_is_no_report(
    root: Path, outside: Path, make: Make
) -> None:
    place = root / "multiqc_report.html"
    make(place, outside)
    assert look_at([Named(str(place), "", "")], [root]) == []
    assert search(str(root), GLOBS, [root]).reports == []
    with pytest.raises(Untold):
        open_report(str(place), [root])


@pytest.mark.parametrize(
    "path",
    [
        "{root}/../outside/multiqc_report.html",
        "{outside}/multiqc_report.html",
        "{root}/link/multiqc_report.html",
        "{root}/.ssh/id_ed25519",
        "{root}/.command.run",
        "{root}",
        "/proc/self/environ",
        "root/a.html",
        "s3://root/a.html",
        "",
        "/",
        "{root}/\0",
        "{root}/\udcff.html",
    ],
)
def test_a_path_that_leads_elsewhere_is_not_read(
    root: Path,
    outside: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    monkeypatch.chdir(root.parent)
    write(root / "a.html")
    write(root / ".ssh" / "id_ed25519")
    write(root / ".command.run")
    (root / "link").symlink_to(outside)
    path = path.format(root=root, outside=outside)
    assert look_at([Named(path, "", "")], [root]) == []


def test_a_workflow_id_can_not_lead_elsewhere(root: Path, outside: Path) -> None:
    write(outside / "nf-x-reports.tsv", f"{HEAD}k\t/data/a.html\t\t\t\n")
    (root / "nf-").mkdir()
    assert read_named(str(root), "/../../outside/nf-x", root) == []
    assert read_named(str(root), "\0", root) == []


def test_published_links_to_work_directories_are_followed(root: Path) -> None:
    real = write(root / "work" / "ab" / "123456" / "multiqc_report.html")
    path = root / "launch" / "results" / "multiqc_report.html"
    path.parent.mkdir(parents=True)
    path.symlink_to(real)
    found = search(str(root / "launch"), GLOBS, [root])
    assert paths(found.reports) == [str(path)]
    file, size = open_report(str(path), [root])
    assert b"".join(chunks(file, size)) == b"<p>hello"
    assert file.closed


def test_a_link_may_lead_to_another_root(root: Path, outside: Path) -> None:
    (root / "a_report.html").symlink_to(outside / "multiqc_report.html")
    assert len(search(str(root), GLOBS, [root, outside]).reports) == 1


def test_no_other_disk_is_touched(
    root: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(root / "a_report.html")
    touched: list[Path] = []

    def noted(path: str, root: Path) -> tuple[str, tuple[str, ...]]:
        touched.append(root)
        return way_to(path, root)

    monkeypatch.setattr(reports, "way_to", noted)
    roots = [outside, root]
    assert len(search(str(root), GLOBS, roots).reports) == 1
    assert len(look_at([Named(str(path), "", "")], roots)) == 1
    open_report(str(path), roots)[0].close()
    assert set(touched) == {root}


def test_reports_are_found_by_their_names_nearest_first(root: Path) -> None:
    write(root / "results" / "deep" / "er" / "run_report.html")
    write(root / "results" / "multiqc" / "multiqc_report.html")
    write(root / "results" / "multiqc" / "other.html")
    write(root / "multiqc_report.html")
    found = search(str(root), GLOBS, [root])
    assert found.is_whole
    assert paths(found.reports) == [
        str(root / "multiqc_report.html"),
        str(root / "results" / "multiqc" / "multiqc_report.html"),
        str(root / "results" / "deep" / "er" / "run_report.html"),
    ]


def test_work_directories_and_hidden_names_are_left_out(
    root: Path, outside: Path
) -> None:
    write(root / "scratch" / "ab" / "multiqc_report.html")
    write(root / "ab" / "123456" / "multiqc_report.html")
    write(root / ".nextflow" / "multiqc_report.html")
    write(root / ".a_report.html")
    (root / "link").symlink_to(outside)
    found = search(str(root), GLOBS, [root], without=f"{root}/scratch/")
    assert found.reports == []


def test_a_search_ends(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = root / "/".join("d" * reports.DEEPEST)
    write(deep / "a_report.html")
    found = search(str(root), GLOBS, [root])
    assert (found.reports, found.is_whole) == ([], False)

    write(root / "a_report.html")
    monkeypatch.setattr(reports, "DEEPEST", 20)
    assert search(str(root), GLOBS, [root]).is_whole
    monkeypatch.setattr(reports, "MOST_NAMES", 1)
    assert not search(str(root), GLOBS, [root]).is_whole
    monkeypatch.setattr(reports, "MOST_NAMES", 100)
    monkeypatch.setattr(reports, "LONGEST_SEARCH_S", 0.0)
    assert not search(str(root), GLOBS, [root]).is_whole
    monkeypatch.setattr(reports, "LONGEST_SEARCH_S", 60.0)
    monkeypatch.setattr(reports, "MOST_REPORTS", 1)
    found = search(str(root), GLOBS, [root])
    assert (len(found.reports), found.is_whole) == (1, False)


@pytest.mark.parametrize("place", ["gone", "file", "link", "../gone"])
def test_a_directory_that_can_not_be_searched_is_called_so(
    root: Path, outside: Path, place: str
) -> None:
    write(root / "file")
    (root / "link").symlink_to(outside)
    with pytest.raises(Untold):
        search(str(root / place), GLOBS, [root])


def test_a_report_says_what_it_is(root: Path) -> None:
    path = write(root / "a.CSV", "1,2\n")
    os.utime(path, (1_000, 1_000))
    odd = write(root / "b.out")
    found = look_at(
        [
            Named(str(path), "Table", ""),
            Named(str(path), "", "text/html"),
            Named(str(odd), "", ""),
        ],
        [root],
    )
    at = dt.datetime(1970, 1, 1, 0, 16, 40, tzinfo=dt.UTC)
    assert found[0] == Report("a.CSV", str(path), "Table", 4, at, "text/csv")
    assert (found[1].display, found[1].mime_type) == ("a.CSV", "text/html")
    assert found[2].mime_type == reports.UNKNOWN


def test_a_file_that_grows_is_read_as_far_as_was_said(root: Path) -> None:
    path = write(root / "a.html", "12345")
    file, size = open_report(str(path), [root])
    path.write_text("1234567890")
    assert b"".join(chunks(file, size)) == b"12345"


@pytest.mark.parametrize(
    ("path", "glob", "is_like"),
    [
        ("multiqc_report.html", "**/multiqc_report.html", True),
        ("a/b/multiqc_report.html", "**/multiqc_report.html", True),
        ("a/multiqc_report.htm", "**/multiqc_report.html", False),
        ("a/b/c.html", "a/*.html", False),
        ("a/c.html", "a/*.html", True),
        ("a/b/c.html", "a/**/*.html", True),
        ("a/c.html", "a/**/*.html", True),
        ("a/c.html", "/a/c.html", False),
        ("a/b", "**", True),
        ("a", "", False),
    ],
)
def test_globs(path: str, glob: str, is_like: bool) -> None:
    assert matches(path.split("/"), glob.split("/")) is is_like
