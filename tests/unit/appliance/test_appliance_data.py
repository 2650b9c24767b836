import struct
import wave
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from pbx.appliance import g711
from pbx.appliance.data import data_folder, music_on_hold, read_pcm
from pbx.appliance.root import Pbx
from pbx.errors import ApplianceError

DOCUMENTATION = """\
<?xml version="1.0"?>
<docs xmlns:xi="http://www.w3.org/2001/XInclude">
 <configInfo name="stasis" language="en_US">
  <synopsis>Words</synopsis>
  <configFile name="stasis.conf"><configObject name="declined"><since><version>12</version></since>
   <synopsis>Words</synopsis>
   <configOption name="decline"><synopsis>Words</synopsis><description><para>Words</para>
   </description></configOption></configObject></configFile>
 </configInfo>
 <manager name="Ping" language="en_US"><syntax><parameter name="ActionID"/></syntax></manager>
 <managerEvent name="Hangup" language="en_US"><managerEventInstance/></managerEvent>
</docs>
"""
SAMPLES = [0, 1000, -1000, 32767]


def said(what: str, done: float | None) -> None:
    """Take progress and say nothing."""


def write_wav(path: Path, rate: int = 8000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setframerate(rate)
        file.setsampwidth(2)
        file.setnchannels(channels)
        file.writeframes(struct.pack("<4h", *SAMPLES))
    return path


@pytest.fixture
def pbx(tmp_path):
    data = tmp_path / "data"
    (data / "documentation").mkdir(parents=True)
    (data / "documentation/core-en_US.xml").write_text(DOCUMENTATION)
    (data / "sounds/en_US").mkdir(parents=True)
    (data / "moh").mkdir()
    write_wav(data / "moh/a.wav")
    return Pbx(
        argv=("asterisk",),
        version=(22, 10, 1),
        modules=tmp_path,
        data=data,
        sounds=data / "sounds/en_US",
        music=data / "moh",
        origin="own",
    )


def test_documentation_keeps_its_names_and_loses_its_prose(pbx, tmp_path):
    folder = data_folder(pbx, said, cache=tmp_path / "cache")
    text = (folder / "documentation/core-en_US.xml").read_text()
    assert "Words" not in text
    root = ElementTree.fromstring(text)
    assert root.find("configInfo/configFile/configObject/configOption[@name='decline']") is not None
    # Asterisk takes an element without children for one that is not there.
    assert root.find("manager[@name='Ping']/synopsis") is not None
    assert root.find("managerEvent") is None
    assert (folder / "sounds/en").resolve() == pbx.sounds


def test_the_data_folder_is_made_once_for_the_same_files(pbx, tmp_path):
    cache = tmp_path / "cache"
    folder = data_folder(pbx, said, cache=cache)
    assert data_folder(pbx, said, cache=cache) == folder
    (pbx.data / "documentation/core-en_US.xml").write_text(DOCUMENTATION + "<!-- newer -->")
    assert data_folder(pbx, said, cache=cache) != folder


def test_an_asterisk_without_documentation_is_told(pbx, tmp_path):
    (pbx.data / "documentation/core-en_US.xml").unlink()
    with pytest.raises(ApplianceError, match="reinstall the asterisk package"):
        data_folder(pbx, said, cache=tmp_path / "cache")


def test_music_comes_in_both_codings_as_links_to_the_cache(pbx, tmp_path):
    music = tmp_path / "state/moh"
    files = music_on_hold(pbx, music, said, cache=tmp_path / "cache")
    assert [file.name for file in files] == ["a.alaw", "a.ulaw"]
    pcm = struct.pack("<4h", *SAMPLES)
    assert (music / "a.ulaw").read_bytes() == g711.encode(pcm, "ulaw")
    assert all(file.is_symlink() for file in files)


def test_an_admins_own_music_is_left_alone_and_stale_links_go(pbx, tmp_path):
    music = tmp_path / "moh"
    music.mkdir()
    (music / "a.ulaw").write_bytes(b"mine")
    (music / "old.ulaw").symlink_to(tmp_path / "pruned/old.ulaw")
    files = music_on_hold(pbx, music, said, cache=tmp_path / "cache")
    assert [file.name for file in files] == ["a.alaw", "a.ulaw"]
    assert (music / "a.ulaw").read_bytes() == b"mine"


def test_no_music_is_told(pbx, tmp_path):
    (pbx.music / "a.wav").unlink()
    with pytest.raises(ApplianceError, match="asterisk-moh-opsound-wav"):
        music_on_hold(pbx, tmp_path / "moh", said, cache=tmp_path / "cache")


def test_a_wav_of_another_kind_is_told(tmp_path):
    with pytest.raises(ApplianceError, match="is 16000 Hz, 16 bits, 1 channels"):
        read_pcm(write_wav(tmp_path / "a.wav", rate=16000))
    (tmp_path / "b.wav").write_bytes(b"noise")
    with pytest.raises(ApplianceError, match=r"b\.wav: not a WAV"):
        read_pcm(tmp_path / "b.wav")
