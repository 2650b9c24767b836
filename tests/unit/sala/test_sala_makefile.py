"""What `make` says on a machine that lacks what only its administrator can install."""

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
STUB = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; *) echo {version};; esac\n'
OLD = platform.freedesktop_os_release().get("VERSION_CODENAME") == "jammy"


@pytest.mark.parametrize(
    ("pythons", "told"),
    [
        ({}, f"install {'python3.11 python3.11-venv' if OLD else 'python3 python3-venv'}\n"),
        ({"python3": "3.10"}, "install python3.11 python3.11-venv\n"),
        ({"python3": "3.9"}, "install python3.11 python3.11-venv\n"),
        ({"python3": "3.14"}, "install python3.13 python3.13-venv\n"),
        ({"python3": "3.12"}, "install python3-venv\n"),
        ({"python3": "3.10", "python3.11": "3.11"}, "install python3.11-venv\n"),
    ],
)
def test_it_tells_what_to_install(tmp_path: Path, pythons: dict[str, str], told: str) -> None:
    make = shutil.which("make")
    assert make
    for name, version in pythons.items():
        (tmp_path / name).write_text(STUB.format(version=version))
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [make, "-C", str(ROOT), "setup", f"VENV={tmp_path / 'venv'}"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"run:  sudo apt-get {told}" in done.stderr
    assert not (tmp_path / "venv").exists()
