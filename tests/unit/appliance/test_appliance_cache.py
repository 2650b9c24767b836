import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pbx.appliance.cache import Store, cache_folder
from pbx.errors import ApplianceError

REPOSITORY = Path(__file__).parents[3]


def quiet(what: str, done: float | None) -> None:
    """Take progress and say nothing."""


def child(code: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )


def make(store: Store, key: str, text: str = "x") -> Path:
    with store.lock(quiet), store.scratch() as scratch:
        made = scratch / "made"
        made.mkdir()
        (made / "file").write_text(text)
        return store.publish(made, key, ["file"])


def test_what_is_published_is_intact_and_alone(tmp_path):
    store = Store(tmp_path)
    assert make(store, "k") == tmp_path / "k"
    assert store.intact("k")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["k", "lock"]


@pytest.mark.parametrize("harm", ["change", "remove", "no seal", "bad seal"])
def test_a_damaged_folder_is_not_trusted_and_is_replaced(tmp_path, harm):
    store = Store(tmp_path)
    folder = make(store, "k")
    store.point("current", {"key": "k"})
    match harm:
        case "change":
            (folder / "file").write_text("longer")
        case "remove":
            (folder / "file").unlink()
        case "no seal":
            (folder / "sealed.json").unlink()
        case "bad seal":
            (folder / "sealed.json").write_text("{}")
    assert not store.intact("k")
    assert store.pointed("current") is None
    make(store, "k")
    assert store.intact("k")
    assert store.pointed("current") == {"key": "k"}


def test_pruning_keeps_what_is_named(tmp_path):
    store = Store(tmp_path)
    for key in "abc":
        make(store, key)
    store.prune(["a", "c"])
    assert [store.intact(key) for key in "abc"] == [True, False, True]


HOLD = """
    import sys
    from pathlib import Path
    from pbx.appliance.cache import Store
    store = Store(Path(sys.argv[1]))
    with store.lock(lambda what, done: None), store.scratch() as scratch:
        (scratch / "half").write_text("done")
        print("holding", flush=True)
        sys.stdin.readline()
    print("free", flush=True)
"""


def test_a_second_set_up_waits_and_says_so(tmp_path):
    with child(HOLD, str(tmp_path)) as holder:
        assert holder.stdout
        assert holder.stdin
        assert holder.stdout.readline() == "holding\n"
        said: list[str] = []

        def progress(what: str, done: float | None) -> None:
            if not said:
                holder.stdin.write("\n")
                holder.stdin.flush()
            said.append(what)

        with Store(tmp_path).lock(progress):
            assert holder.stdout.readline() == "free\n"
    assert said[0] == "waiting for another set-up to finish"


def test_a_killed_set_up_frees_the_lock_and_leaves_nothing(tmp_path):
    with child(HOLD, str(tmp_path)) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "holding\n"
        assert list(tmp_path.glob(".tmp-*"))
        holder.send_signal(signal.SIGKILL)
    store = Store(tmp_path)
    with store.lock(quiet), store.scratch() as scratch:
        assert list(tmp_path.glob(".tmp-*")) == [scratch]
    assert not list(tmp_path.glob(".tmp-*"))


def build_package(folder: Path, name: str, size: int) -> Path:
    tree = folder / name
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.org>\n"
        "Description: made for a test\n"
    )
    (tree / "usr/share").mkdir(parents=True)
    (tree / f"usr/share/{name}").write_bytes(os.urandom(size))
    archive = folder / f"{name}_1_all.deb"
    subprocess.run(
        ["dpkg-deb", "-Znone", "--root-owner-group", "-b", str(tree), str(archive)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return archive


UNPACK = """
    import sys
    from pathlib import Path
    from pbx.appliance.cache import Store
    from pbx.appliance.unpack import unpack
    store, *archives = map(Path, sys.argv[1:])
    store = Store(store)
    def progress(what, done):
        if done:
            print("unpacking", flush=True)
            if not store.folder.joinpath("go-on").exists():
                sys.stdin.readline()
    with store.lock(progress), store.scratch() as scratch:
        unpack(archives, scratch / "made/root", progress)
        names = [f"root/usr/share/{path.name.split('_')[0]}" for path in archives]
        store.publish(scratch / "made", "k", names)
        store.point("current", {"key": "k"})
    print("published", flush=True)
"""


def test_killed_in_the_middle_of_unpacking_nothing_is_trusted(tmp_path):
    archives = [str(build_package(tmp_path, f"p{number}", 200_000)) for number in range(4)]
    folder = tmp_path / "store"
    with child(UNPACK, str(folder), *archives) as maker:
        assert maker.stdout
        assert maker.stdout.readline() == "unpacking\n"
        maker.send_signal(signal.SIGKILL)
    store = Store(folder)
    assert not store.intact("k")
    assert store.pointed("current") is None
    assert list(folder.glob(".tmp-*/made/root/usr/share/p*"))

    (folder / "go-on").touch()
    with child(UNPACK, str(folder), *archives) as maker:
        assert maker.stdout
        assert maker.stdout.read().endswith("published\n")
    assert store.pointed("current") == {"key": "k"}
    assert not list(folder.glob(".tmp-*"))


def test_an_archive_that_is_damaged_fails_the_set_up(tmp_path):
    bad = tmp_path / "bad_1_all.deb"
    bad.write_bytes(b"not an archive")
    with child(UNPACK, str(tmp_path / "store"), str(bad)) as maker:
        _, _ = maker.communicate()
    assert maker.returncode != 0
    assert not Store(tmp_path / "store").intact("k")


def test_no_space_is_told_before_the_download(tmp_path):
    with pytest.raises(ApplianceError, match="MB are needed: free some space"):
        Store(tmp_path).need_space(1 << 60)


def test_a_cache_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(ApplianceError, match="set SALA_CACHE"),
        Store(tmp_path / "file/x").lock(quiet),
    ):
        pass


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"SALA_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, "/c"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/sala"),
        ({"HOME": "/h"}, "/h/.cache/sala"),
    ],
)
def test_the_cache_lies_where_the_user_says(monkeypatch, env, folder):
    for name in ("SALA_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(folder)
