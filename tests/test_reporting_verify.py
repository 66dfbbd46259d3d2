"""Tests of `sna verify`: planted values and other leaks are found in every wrapping."""

import base64
import hashlib
import io
import json
import subprocess
import sys
import zipfile
import zlib

import openpyxl
import pytest
from openpyxl.packaging.custom import StringProperty

from sna.errors import DisclosureError, QualityError, UsageError
from sna.reporting.verify import KIND, find_leaks, verify_reports


def coded(text):
    return base64.b64encode(text.encode()).decode()


def zipped(name, text):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, text)
    return out.getvalue()


def workbook(value, *, hidden=False, creator="sna"):
    book = openpyxl.Workbook()
    book.properties.creator = creator
    book.active["A1"] = value
    if hidden:
        book.create_sheet("b").sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def leaks(folder, name, content, canaries=("3137",)):
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return {leak.rule for leak in find_leaks([file], root=folder, canaries=canaries)}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", "<p>There were 3,137 offences.</p>"),
        ("a.html", "<p>&#51;137</p>"),
        ("a.html", '<svg><path d="M0 0L3137.0 5"/></svg>'),
        ("a.html", '<svg aria-label="peak of 3137"></svg>'),
        ("a.html", f'<a href="data:text/csv;charset=utf-8;base64,{coded("a,b" + chr(10) + "x,3137")}">'),
        ("a.html", f'<img src="data:image/svg+xml;base64,{coded("<svg><text>3137</text></svg>")}">'),
        ("a.html", '<a href="data:text/csv,a%0A3%31%337">csv</a>'),
        ("a.html", "<p>&amp;#51;137</p>"),
        ("a.html", '<a href="data:text/csv,a%250A%2533137">csv</a>'),
        ("a.html", '<a href="data:text/csv,a&#37;0A%26%2351;137">csv</a>'),
        ("a.html", "<p>up 5%3137</p>"),
        ("a.html", "<p>There were 3<b>,1</b>37 offences.</p>"),
        ("a.html", "<svg><text>3<tspan>1</tspan><!-- x -->37</text></svg>"),
        ("a.html", "<p>31\u200b37 and 3&shy;137</p>"),
        ("a.json", r'{"x": "\u0033137"}'),
        ("a.xlsx", workbook("_x0033_137")),
        ("a.csv", "a\n3137\n"),
        ("a.csv", "a,b,c\n12,3137,500\n"),
        ("a.csv", "a\n3137\n".encode("utf-16")),
        ("a.json", '{"x": 3137}'),
        ("a.zip", zipped("x.csv", "3137")),
        ("a.zip", zipped("x.zip", zipped("y.csv", "3137"))),
        ("a.xlsx", workbook(3137)),
    ],
)  # fmt: skip
def test_a_planted_value_is_found_in_every_wrapping(tmp_path, name, content):
    assert leaks(tmp_path, name, content) == {"planted value 3137"}


@pytest.mark.parametrize(
    "text", ["<td>31</td><td>37</td>", "31370", "13137", "3137.25", "313,7", "1,313,7", "3,137,000"]
)
def test_other_numbers_are_not_the_planted_value(tmp_path, text):
    assert leaks(tmp_path, "a.csv", f"a\n{text}\n") == set()


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("crime reference", "reference 0112345/24 of"),
        ("crime reference", "reference SIM-00000007 of"),
        ("crime reference", "SIMP00000007"),
        ("record id", "month,offence_id\n2024-01,x"),
        ("record id", '"Person Id",Age\nx,15'),
        ("record id", "Crime ID,Month\nx,2024-10"),
        ("coordinate", "51.5074561, -0.1277583"),
        ("coordinate", "name,easting,x\n"),
        ("grid reference", "530034.5,180381.25"),
        ("postcode", "at SW1A 2AA in"),
        ("postcode", "at ub8 1uw in"),
        ("postcode", "at LU1\u00a02BB in"),
        ("postcode", "at SW1A <b>2AA</b> in"),
        ("postcode", "<td>UB8</td>\n  <td>1UW</td>"),
        ("postcode", 'a,"UB8","1UW",b'),
        ("grid reference", "<td>530034</td><td>180381</td>"),
        ("grid reference", "a,530034,180381,b"),
        ("long coordinate", "<svg></svg><p>51.5074561 north"),
        ("record id", "<th scope='col'>person_id</th>"),
        ("date of birth", "DOB: 12/03/2001"),
        ("absolute path", "read from /home/someone/raw/x.csv"),
        ("absolute path", "read from /data/extracts/x.csv"),
        ("absolute path", "read from /mnt/x.csv"),
        ("absolute path", '{"file": "\\/srv\\/x.csv"}'),
        ("absolute path", r"read from C:\\Users\\someone\\x.csv"),
        ("absolute path", "read from D:/data/x.csv"),
        ("absolute path", r"read from \\server01\crime\x.csv"),
        ("hidden sheet, row or column", '<sheet name="b" state="hidden"/>'),
        ("formula in a cell", "a,=cmd|' /C calc'!A0"),
        ("formula in a cell", 'a,"=HYPERLINK(""x"")"'),
        ("formula in a cell", "a\n@SUM(A1)"),
        ("formula in a cell", 'a,"=1+1"'),
        ("mark that turns text around", "a\u202eb"),
    ],
)
def test_each_kind_of_leak_is_found(tmp_path, rule, text):
    assert rule in leaks(tmp_path, "a.csv", text)
    assert rule in leaks(tmp_path, "a.zip", zipped("a.txt", text))


def test_what_a_report_needs_is_no_leak(tmp_path):
    text = """<p>E09000012, E05009367; 51.51, -0.13; £1,234; 12/03/2024; #12436D; 01234 567890</p>
    <p>the root of 530,034 and 180,381; <a href="../data/x.csv">a</a> 530034 residents, 1</p>
    <svg><path d="M 51.512345 230.123456 L 57.6 307.584"/></svg> csv/rate.csv 2024/25 </p>"""
    assert leaks(tmp_path, "a.html", text) == set()


def test_middles_of_cells_are_no_grid_references_and_points_are(tmp_path):
    cells = "east,north\n502617,183057\n502757,183057\n503037,183197\n"
    assert leaks(tmp_path, "a.csv", cells) == set()
    assert leaks(tmp_path, "a.csv", cells + "503100,183197\n") == {"grid reference"}
    assert leaks(tmp_path, "a.csv", cells.replace("7\n", "7.5\n")) == {"grid reference"}


def test_files_that_are_never_shared_and_hidden_sheets_are_found(tmp_path):
    assert "kind of file that is never shared" in leaks(tmp_path, "a.ipynb", "{}")
    assert "hidden sheet, row or column" in leaks(tmp_path, "a.xlsx", workbook(1, hidden=True))


def test_names_of_files_and_comments_of_archives_are_read(tmp_path):
    assert leaks(tmp_path, "at SW1A 2AA.csv", "a") == {"postcode"}
    assert leaks(tmp_path, "n_3137 x.csv", "a") == {"planted value 3137"}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", "a")
        archive.comment = b"made of 3137 rows"
    assert leaks(tmp_path, "a.zip", out.getvalue()) == {"planted value 3137"}


def titled(**properties):
    """Return a workbook with such properties, in its own and in custom fields."""
    book = openpyxl.Workbook()
    for name, value in properties.items():
        setattr(book.properties, name, value)
    return saved(book)


def saved(book):
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def custom(value):
    book = openpyxl.Workbook()
    book.custom_doc_props.append(StringProperty(name="made of", value=value))
    return saved(book)


def archive(*, extra=b"", comment=b"", local=b""):
    """Return an archive with such bytes in the fields of its member, in the index or at its place."""
    out, member = io.BytesIO(), zipfile.ZipInfo("a.csv")
    member.extra = local
    with zipfile.ZipFile(out, "w") as made:
        made.writestr(member, "a")
        member.comment, member.extra = comment, extra
    return out.getvalue()


FIELD = b"\x99\x99\x06\x00 3137 "  # a field of an archive: number, length, value
PNG = b"\x89PNG\r\n\x1a\n" + zlib.compress(b"Author 3137")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("a.xlsx", titled(**{field: "rows 3137"})) for field in
          ("creator", "lastModifiedBy", "title", "subject", "keywords", "description", "category")),
        ("a.xlsx", custom("rows 3137")),
        ("a.zip", archive(comment=b"of 3137")),
        ("a.zip", archive(extra=FIELD)),
        ("a.zip", archive(local=FIELD)),
        ("a.zip", zipped("of 3137/x.csv", "a")),
        ("a.zip", zipped("x.csv", "a") + b" 3137 "),
        ("a.zip", b"of 3137 rows" + zipped("x.csv", "a")),
        ("a.svg", "<svg><metadata>3137</metadata></svg>"),
        ("a.svg", '<svg data-rows="3137"><!-- 3137 --></svg>'),
        ("a.html", '<meta name="description" content="of 3137 rows">'),
        ("a.html", "<p>a<!-- of 3137 rows -->"),
        ("a.html", '<p hidden data-n="3137">a'),
        ("a.html", "<style>/* 3137 */</style>"),
    ],
)  # fmt: skip
def test_a_planted_value_is_found_in_every_property_and_remark(tmp_path, name, content):
    assert leaks(tmp_path, name, content) == {"planted value 3137"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", PNG),
        ("a.zip", zipped("docProps/thumbnail.png", PNG)),
        ("a.zip", zipped("rows.parquet", b"PAR1")),
        ("a.zip", zipped("b.zip", zipped("run.ipynb", "{}"))),
        ("a.html", f'<img src="data:image/png;base64,{base64.b64encode(PNG).decode()}">'),
        ("a.html", f'<a href="data:application/pdf;base64,{coded("%PDF-1.7")}">'),
    ],
)
def test_what_the_scan_cannot_read_is_itself_a_leak_wherever_it_lies(tmp_path, name, content):
    assert leaks(tmp_path, name, content) & {KIND, "file inside a page"}


def test_a_formula_of_a_workbook_is_found_and_text_that_only_looks_so_is_none(tmp_path):
    assert leaks(tmp_path, "a.xlsx", workbook("=1+1")) == {"formula in a cell"}
    assert leaks(tmp_path, "b.csv", "a\n'=cmd|' /C calc'!A0\n-5\n+5\n") == set()


@pytest.mark.parametrize("cell", ["NaN", "nan", "None", "NaT", "inf", "TODO", '"None"'])
def test_an_unexplained_cell_of_a_csv_is_a_fault(tmp_path, cell):
    (tmp_path / "a.csv").write_text(f"a,b\n1,{cell}\n", encoding="utf-8")
    with pytest.raises(QualityError, match="unexplained cells"):
        verify_reports(tmp_path)
    (tmp_path / "a.csv").write_text("a,b\n1,none of these\n", encoding="utf-8")
    assert verify_reports(tmp_path) == 1


def test_an_archive_that_cannot_be_opened_is_refused(tmp_path):
    with pytest.raises(DisclosureError, match="cannot be opened"):
        leaks(tmp_path, "a.zip", zipped("a.csv", "1")[:40])


def test_the_name_of_the_user_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "jbloggs")
    assert leaks(tmp_path, "a.xlsx", workbook(1, creator="JBloggs")) == {"user name"}
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    assert leaks(tmp_path, "a.xlsx", workbook(1, creator="root")) == {"user name"}
    assert leaks(tmp_path, "a.csv", "made by,x\nroot,1\n") == {"user name"}
    assert leaks(tmp_path, "a.html", "<p>The root of it; a square root") == set()


def test_every_leak_is_named_not_only_the_first_of_its_kind(tmp_path):
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    postcodes = [f"SW1A 2{a}{b}" for a in letters[:5] for b in letters[5:15]]
    (tmp_path / "a.csv").write_text("place\n" + "\n".join(postcodes[:3]), encoding="utf-8")
    (tmp_path / "b.html").write_text("<p>At SW1A 2AA, DOB: 12/03/2001", encoding="utf-8")
    with pytest.raises(DisclosureError, match="must not leave this folder: 5") as few:
        verify_reports(tmp_path)
    assert all(text in few.value.found for text in [*postcodes[:3], "b.html: date of birth"])
    (tmp_path / "a.csv").write_text("place\n" + "\n".join(postcodes), encoding="utf-8")
    with pytest.raises(DisclosureError, match="folder: 52") as many:
        verify_reports(tmp_path)
    assert many.value.found.endswith("and 12 more")


def test_a_file_no_run_made_is_a_leak_and_a_changed_one_a_fault(tmp_path):
    page = tmp_path / "a.csv"
    page.write_bytes(b"a\n5\n")
    made = [{"path": "a.csv", "sha256": hashlib.sha256(b"a\n5\n").hexdigest()}]
    (tmp_path / "run.json").write_text(json.dumps({"outputs": made}), encoding="utf-8")
    assert verify_reports(tmp_path) == 2
    page.write_bytes(b"a\n6\n")
    with pytest.raises(QualityError, match="were changed: 1") as changed:
        verify_reports(tmp_path)
    assert "a.csv was changed" in changed.value.found
    (tmp_path / "extract.csv").write_text("Crime Number;Ward\nx;y\n", encoding="utf-8")
    with pytest.raises(DisclosureError) as stray:
        verify_reports(tmp_path)
    assert "extract.csv: file that no run made" in stray.value.found


def test_leaks_are_exit_4_faults_5_and_nothing_2(tmp_path):
    (tmp_path / "a.csv").write_text("a\n3137\n", encoding="utf-8")
    assert verify_reports(tmp_path) == 1
    with pytest.raises(DisclosureError, match="must not leave") as leak:
        verify_reports(tmp_path, canaries=["3137"])
    (tmp_path / "a.html").write_text("<p>NaN", encoding="utf-8")
    with pytest.raises(QualityError) as fault:
        verify_reports(tmp_path)
    with pytest.raises(UsageError, match="nothing to verify"):
        verify_reports(tmp_path / "none")
    assert (leak.value.exit_code, fault.value.exit_code) == (4, 5)


@pytest.mark.slow
def test_the_command_ends_with_exit_code_4(tmp_path):
    (tmp_path / "a.csv").write_text("a\n3137\n", encoding="utf-8")
    command = [sys.executable, "-m", "sna", "verify", str(tmp_path), "--canary", "3137"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "planted value 3137" in done.stderr
