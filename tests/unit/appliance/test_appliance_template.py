from pathlib import Path

import pytest

from pbx.appliance.template import render_folder, substitute
from pbx.errors import ApplianceError


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.conf").write_text(text)
    return folder


def test_values_take_the_place_of_placeholders_and_lines_stay(tmp_path):
    templates = write(
        tmp_path / "t", a="x = @A@\n; mail@example.org @lower@\nuri = sip:@A@@@B@:1\n"
    )
    sources = render_folder(templates, {"A": "1001", "B": "host"}, tmp_path / "out")
    assert (tmp_path / "out/a.conf").read_text() == (
        "x = 1001\n; mail@example.org @lower@\nuri = sip:1001@host:1\n"
    )
    assert sources == {"a.conf": templates / "a.conf"}


def test_rendered_files_are_private(tmp_path):
    render_folder(write(tmp_path / "t", a="@A@\n"), {"A": "secret"}, tmp_path / "out")
    assert (tmp_path / "out/a.conf").stat().st_mode & 0o777 == 0o600


def test_unknown_placeholders_are_told_with_file_and_line(tmp_path):
    templates = write(tmp_path / "t", a="\n\nx = @NOPE@\ny = @NADA@\n", b="z = @NIL@\n")
    with pytest.raises(ApplianceError) as told:
        render_folder(templates, {}, tmp_path / "out")
    lines = str(told.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        f"{templates}/a.conf:3",
        f"{templates}/a.conf:4",
        f"{templates}/b.conf:1",
    ]
    assert "@NOPE@" in lines[0]


def test_a_value_no_template_uses_is_an_error_unless_optional(tmp_path):
    templates = write(tmp_path / "t", a="plain\n")
    with pytest.raises(ApplianceError, match="@SIP_PORT@"):
        render_folder(templates, {"SIP_PORT": "1"}, tmp_path / "out")
    render_folder(templates, {"SIP_PORT": "1"}, tmp_path / "out", optional=["SIP_PORT"])


@pytest.mark.parametrize("value", ["a\nb", "a;b", "a\rb", "a\0b", "a\x85b", "a\u2028b"])
def test_values_that_could_break_out_of_a_line_are_refused(tmp_path, value):
    with pytest.raises(ApplianceError, match="the value for A"):
        render_folder(write(tmp_path / "t", a="@A@"), {"A": value}, tmp_path / "out")


def test_a_file_that_is_not_text_is_told_with_its_line(tmp_path):
    write(tmp_path / "t")
    (tmp_path / "t/a.conf").write_bytes(b"fine\nna\xefve\n")
    with pytest.raises(ApplianceError, match=r"a\.conf:2: not UTF-8"):
        render_folder(tmp_path / "t", {}, tmp_path / "out")


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(ApplianceError, match="no such folder"):
        render_folder(tmp_path / "none", {}, tmp_path / "out")


def test_substituted_values_are_not_read_again():
    assert substitute("@A@", {"A": "@B@", "B": "no"}, "x") == ("@B@", {"A"})
