import dataclasses
from pathlib import Path

import pytest

from pbx.appliance.events import events_text
from pbx.appliance.render import (
    Account,
    Layout,
    Plan,
    accounts_text,
    check,
    external_text,
    globals_text,
    media_text,
    render,
)
from pbx.appliance.root import Pbx
from pbx.errors import ApplianceError

SIP_CONFIGS = Path(__file__).parents[3] / "sip_configs"
DIALPLAN = """\
#include "sala-globals.conf"
[from-trunk]
exten => _X!,1,Answer(,i)
"""
PLAN = Plan(
    ami_secret="s3cret",
    sip_port=15060,
    ami_port=15038,
    accounts=(
        Account("1001", "agent", "pw1", "Ann"),
        Account("caller", "caller", "pw2"),
        Account("trunk-1", "trunk", host="192.0.2.7"),
    ),
    globals={"SALA_TICK": "20"},
)


class House:
    def __init__(self, folder: Path) -> None:
        self.dialplans = folder / "dialplans"
        (self.dialplans / "asterisk").mkdir(parents=True)
        self.dialplan = self.dialplans / "asterisk/extensions.conf"
        self.dialplan.write_text(DIALPLAN)
        self.layout = Layout.of(folder / "state")
        self.pbx = Pbx(("asterisk",), (22, 10, 1), folder, folder, folder, folder, "own")
        self.folder = folder

    def kwargs(self, sip_configs: Path = SIP_CONFIGS):
        return {
            "sip_configs": sip_configs,
            "dialplans": self.dialplans,
            "data": self.folder,
            "music": self.folder,
        }

    def render(self, plan: Plan = PLAN) -> Path:
        return render(self.pbx, self.layout, plan, **self.kwargs())

    def read(self, name: str) -> str:
        return (self.layout.etc / name).read_text()


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_all_of_it_is_rendered_and_private(house):
    conf = house.render()
    assert conf == house.layout.etc / "asterisk.conf"
    assert "bind = 127.0.0.1:15060" in house.read("pjsip.conf")
    assert "SALA_TICK = 20" in house.read("sala-globals.conf")
    assert house.read("extensions.conf") == DIALPLAN
    accounts = house.read("pjsip-accounts.conf")
    assert 'callerid = "Ann" <1001>' in accounts
    assert "match = 192.0.2.7" in accounts
    for file in house.layout.etc.iterdir():
        assert file.stat().st_mode & 0o077 == 0
        assert "@" not in "".join(
            line for line in file.read_text().splitlines() if not line.startswith(";")
        )


def test_rendering_again_leaves_one_folder(house):
    house.render()
    house.render(dataclasses.replace(PLAN, sip_port=15061))
    assert "bind = 127.0.0.1:15061" in house.read("pjsip.conf")
    assert len(list(house.layout.home.glob(".etc-*"))) == 1


def test_a_broken_edit_changes_nothing(house):
    house.render()
    house.dialplan.write_text(DIALPLAN + "exten => _X!,n,GotoIf($[1 = 1?x)\n")
    with pytest.raises(ApplianceError, match=rf"^{house.dialplan}:4: the bracket"):
        house.render()
    assert house.read("extensions.conf") == DIALPLAN
    assert len(list(house.layout.home.glob(".etc-*"))) == 1


def test_checking_changes_nothing(house):
    house.render()
    house.dialplan.write_text(DIALPLAN + "; more\n")
    check(house.pbx, house.layout, PLAN, **house.kwargs())
    assert house.read("extensions.conf") == DIALPLAN


def test_mistakes_in_several_files_are_told_at_once(house, tmp_path):
    edited = tmp_path / "sip_configs/asterisk"
    (edited / "accounts").mkdir(parents=True)
    for file in (SIP_CONFIGS / "asterisk").rglob("*.conf"):
        (edited / file.relative_to(SIP_CONFIGS / "asterisk")).write_text(file.read_text())
    (edited / "rtp.conf").write_text("[general]\nrtpstart = @RTP_FRIST@\nrtpend = @RTP_LAST@\n")
    (edited / "accounts/agent.conf").write_text("[@NAME@](agent)\n@SECRETS@ @DISPLAY@\n")
    house.dialplan.unlink()
    with pytest.raises(ApplianceError) as told:
        render(house.pbx, house.layout, PLAN, **house.kwargs(tmp_path / "sip_configs"))
    lines = str(told.value).splitlines()
    assert f"{edited}/rtp.conf:2: nobody gives @RTP_FRIST@ a value" in lines[0]
    assert f"{edited}/accounts/agent.conf:2: nobody gives @SECRETS@" in lines[1]
    assert "extensions.conf: there is no such file" in lines[2]
    assert not house.layout.etc.exists()


def test_a_dialplan_may_not_replace_a_file_of_ours(house):
    (house.dialplan.parent / "manager.conf").write_text("[general]\n")
    with pytest.raises(ApplianceError, match="has a file of that name"):
        house.render()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sip_address": "localhost"}, "sip_address = 'localhost': not an IP address"),
        ({"external_address": "pbx"}, "external_address = 'pbx'"),
        ({"ami_port": 0}, "ami_port = 0: not a port"),
        ({"rtp_first": 12000}, "no room for a call"),
        ({"ami_secret": ""}, "AMI secret is empty"),
        ({"ami_secret": "a;b"}, "AMI_SECRET"),
    ],
)
def test_wrong_settings_are_told(house, change, told):
    with pytest.raises(ApplianceError, match=told):
        house.render(dataclasses.replace(PLAN, **change))


@pytest.mark.parametrize(
    ("account", "told"),
    [
        (Account("a b", "agent", "x"), "letters, digits"),
        (Account("a]", "agent", "x"), "letters, digits"),
        (Account("1001", "agent", ""), "secret is empty"),
        (Account("1001", "agent", "a\nb"), "SECRET of account 1001"),
        (Account("t", "trunk", host="example.org"), "not an IP address"),
    ],
)
def test_wrong_accounts_are_told(account, told):
    with pytest.raises(ApplianceError, match=told):
        accounts_text(SIP_CONFIGS / "asterisk/accounts", [account])


def test_two_accounts_of_one_name_are_told():
    account = Account("1001", "agent", "x")
    with pytest.raises(ApplianceError, match="there are two"):
        accounts_text(SIP_CONFIGS / "asterisk/accounts", [account, account])


def test_a_display_name_cannot_leave_its_quotes():
    account = Account("1001", "agent", "x", '"Ann" <911>@[')
    text = accounts_text(SIP_CONFIGS / "asterisk/accounts", [account])
    assert 'callerid = "Ann 911" <1001>\n' in text


@pytest.mark.parametrize("value", ["/a,b", "/a${X}", "/a b(c)", "/a&b", 'a"b', "a\nb"])
def test_globals_the_dialplan_would_misread_are_refused(value):
    with pytest.raises(ApplianceError):
        globals_text({"SALA_MEDIA": value})


def test_events_are_filtered_by_name_where_asterisk_can():
    assert "eventfilter(action(include),name(Hangup)) =\n" in events_text((22, 10, 1))
    assert "eventfilter(action(include),name(Hangup)) =\n" in events_text((23, 0, 0))
    legs = (
        "eventfilter(action(include),name(Newstate),header(Uniqueid),method(starts_with)) = sala-"
    )
    assert legs in events_text((22, 10, 1))
    assert "eventfilter = ^Event: Newstate[[:space:]].*Uniqueid: sala-\n" in events_text((20, 6, 0))


def test_speech_listens_where_sip_does():
    assert "media_address = 127.0.0.1\nbind_rtp_to_media_address = yes\n" in media_text("127.0.0.1")
    assert "media_address" not in media_text("0.0.0.0")


def test_the_external_address_is_told_to_others_only():
    assert "external_media_address = 198.51.100.1\n" in external_text("198.51.100.1")
    assert external_text("").startswith(";")


def test_a_long_state_path_moves_the_control_socket(tmp_path):
    layout = Layout.of(tmp_path / ("long" * 30))
    assert len(str(layout.run / "asterisk.ctl")) < 60
    assert str(layout.run) in layout.note
    try:
        layout.make()
        assert layout.run.stat().st_mode & 0o777 == 0o700
    finally:
        layout.run.rmdir()
    assert Layout.of(tmp_path).note == ""
