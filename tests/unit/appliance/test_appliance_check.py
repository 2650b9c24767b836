from pathlib import Path

import pytest

from pbx.appliance.check import check_folder, unbalanced
from pbx.errors import ApplianceError

GOOD = """\
; a dialplan
[globals]
A = 1
#include "more.conf"
[from-trunk](!)
exten => _[+*#0-9]!,1,Set(X=${FILTER(+0-9,${EXTEN})}) ; note (
 same => n(on),GotoIf($["${X}" : "[0-9]+(a)"]?next,1:on)
 same = n,Verbose(1,"a smile :)")
 same => n,NoOp
 same => n,Playback(a\\;b)
include => other
exten => 1,hint,PJSIP/1
exten => 5,2,Hangup()
;-- a block
exten => broken
--;
exten => next,1,Return()
"""


def problems(tmp_path: Path, text: str, **others: str) -> list[str]:
    (tmp_path / "extensions.conf").write_text(text)
    for name, more in others.items():
        (tmp_path / f"{name}.conf").write_text(more)
    try:
        check_folder(tmp_path, {"extensions.conf": Path("dialplans/extensions.conf")})
    except ApplianceError as error:
        return [line.removeprefix("dialplans/extensions.conf:") for line in str(error).splitlines()]
    return []


def test_a_sane_dialplan_passes(tmp_path):
    assert problems(tmp_path, GOOD, more="[more]\nexten => 1,1,Answer(,i)\n") == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("exten => 1,1,Answer()", "1: exten stands outside a context"),
        ("[a]\nsame => n,Answer()", "2: same stands before any exten"),
        ("[a]\nexten => 1,1,Answer()\n[b]\nsame => n,Hangup()", "4: same stands before any exten"),
        ("[a\nexten => 1,1,Answer()", "1: unbalanced bracket in the section's name"),
        ("[a]\nexten => 1,1,Set(A=${B)", "2: the bracket ${ has no partner"),
        ("[a]\nexten => 1,1,GotoIf($[1 = 1?x)", "2: the bracket $[ has no partner"),
        ("[a]\nexten => 1,1,Playback(x", "2: the bracket ( has no partner"),
        ("[a]\nexten => 1,1,Playback(x))", "2: the bracket ) has no partner"),
        ("[a]\nexten => _[0-9,1,Answer()", "2: the pattern _[0-9 has an unbalanced bracket"),
        ("[a]\nexten => 1,x,Answer()", "2: not a priority: 'x'"),
        ("[a]\nexten => 1,1", "2: there is no application"),
        ("[a]\nexten => 1,1,Play back(x)", "2: not an application: 'Play back'"),
        ("[a]\nextne => 1,1,Answer()", "2: not a word of the dialplan: extne"),
        ("[a]\njust words", "2: neither a [context] nor key = value"),
        ('#include "gone.conf"', "1: the file it includes is not there: gone.conf"),
        ("#exec /bin/sh", "1: not a directive Sala allows: #exec"),
        ("[a]\n;-- open\nexten => 1,1,Answer()", "2: the comment that begins with ;--"),
        ('#include "extensions.conf"', "1: extensions.conf includes itself"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path, text, told):
    found = problems(tmp_path, text + "\n")
    assert len(found) == 1
    assert found[0].startswith(told)


def test_all_mistakes_are_told_at_once(tmp_path):
    found = problems(tmp_path, "[a]\nsame => n,A()\nexten => 1,1,B(\n", rtp="rtpstart = 1\n")
    assert [line.split(":")[0] for line in found[:2]] == ["2", "3"]
    assert "rtp.conf:1: rtpstart stands outside a section" in found[2]


def test_a_mistake_in_an_included_file_is_told_as_that_files(tmp_path):
    found = problems(tmp_path, '#include "more.conf"\n', more="[a]\nsame => n,A()\n")
    assert len(found) == 1
    assert "more.conf:2: same stands" in found[0]


def test_a_missing_file_may_be_tried(tmp_path):
    assert problems(tmp_path, '#tryinclude "gone.conf"\n') == []


@pytest.mark.parametrize(
    ("text", "bracket"),
    [
        ("Set(A=1)", None),
        ('Set(A=$["(" = "${X}"])', None),
        ("Set(A=$[${X} : [0-9]+])", None),
        ("Set(A=\\${)", None),
        ("Set(A=${B{c}})", None),
        ('Set(A="${X)', "${"),
    ],
)
def test_brackets_are_counted_as_asterisk_does(text, bracket):
    assert unbalanced(text) == bracket
