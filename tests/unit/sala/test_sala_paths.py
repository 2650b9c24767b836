"""The state folder: private, and its sockets' paths short enough."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sala.errors import UserError
from sala.paths import SOCKET_PATH_BYTES, StatePaths, make_private


def test_every_folder_is_private(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o755)
    paths = StatePaths(tmp_path / "state")
    paths.create()
    for folder in (paths.root, paths.media, paths.callbacks, paths.recordings, paths.logs):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    paths.create()


def test_the_control_socket_is_in_the_state_folder_where_it_fits(tmp_path: Path) -> None:
    assert StatePaths(Path("/srv/sala")).control_socket == Path("/srv/sala/control.sock")


def test_a_long_state_path_gets_a_short_socket_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    one = StatePaths(Path("/srv") / ("x" * 120)).control_socket
    other = StatePaths(Path("/srv") / ("y" * 120)).control_socket
    assert one != other
    assert len(os.fsencode(one)) <= SOCKET_PATH_BYTES


def test_the_users_runtime_folder_is_preferred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run")
    socket = StatePaths(Path("/srv") / ("x" * 120)).control_socket
    assert socket.parent.parent == Path("/run")


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(UserError, match="a file is there"):
        make_private(tmp_path / "state")
