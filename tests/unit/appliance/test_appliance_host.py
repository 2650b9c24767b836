import pytest

from pbx.appliance import apt, host
from pbx.appliance.fetch import key_of
from pbx.errors import ApplianceError


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Asterisk 22.10.1~dfsg+~cs6.17.60671434-1", (22, 10, 1)),
        ("Asterisk 18.10.0~dfsg+~cs6.10.40431411-2", (18, 10, 0)),
        ("Asterisk certified/20.7-cert2", (20, 7, 0)),
        ("Asterisk GIT-master-abc", None),
        ("bash: asterisk", None),
    ],
)
def test_asterisk_tells_its_version(text, version):
    assert host.asterisk_version(text) == version


def test_packages_tell_the_upstream_version():
    assert host.package_version("1:20.6.0~dfsg+~cs6.13.40431414-2build5") == (20, 6, 0)
    assert host.package_version("22.1-1") == (22, 1, 0)


def os_release(**facts: str) -> str:
    return "\n".join(f'{key}="{value}"' for key, value in facts.items())


@pytest.mark.parametrize(
    ("facts", "suites"),
    [
        ({"ID": "debian", "VERSION_CODENAME": "bookworm"}, ("forky",)),
        ({"ID": "debian", "VERSION_CODENAME": "trixie"}, ("forky",)),
        ({"ID": "debian", "VERSION_CODENAME": "forky"}, ("forky",)),
        ({"ID": "debian"}, ("forky",)),
        ({"ID": "ubuntu", "VERSION_CODENAME": "jammy", "ID_LIKE": "debian"}, ("noble",)),
        ({"ID": "ubuntu", "VERSION_CODENAME": "noble", "ID_LIKE": "debian"}, ("noble",)),
        ({"ID": "ubuntu", "VERSION_CODENAME": "plucky"}, ("plucky", "noble")),
        (
            {"ID": "linuxmint", "ID_LIKE": "ubuntu debian", "UBUNTU_CODENAME": "noble"},
            ("noble",),
        ),
    ],
)
def test_the_suite_follows_from_the_machine(facts, suites):
    assert host.distribution(os_release(**facts)).suites == suites


def test_other_distributions_are_told_what_to_do():
    with pytest.raises(ApplianceError, match=r"Fedora 41 is neither.*SALA_ASTERISK"):
        host.distribution(os_release(ID="fedora", PRETTY_NAME="Fedora 41"))


def test_another_architecture_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(ApplianceError, match=r"riscv64.*SALA_ASTERISK"):
        host.architecture()


@pytest.mark.parametrize(
    ("machine", "loader"),
    [("x86_64", "ld-linux-x86-64.so.2"), ("aarch64", "ld-linux-aarch64.so.1")],
)
def test_each_architecture_has_its_loader(monkeypatch, machine, loader):
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert host.architecture().loader == loader


def test_mirrors_come_from_the_lists_apt_has():
    text = (
        "http://apt.example/tools|Tools|bookworm|main\n"
        "http://deb.example/debian/|Debian|bookworm-updates|main\n"
        "http://near.example/debian/|Debian|bookworm|main\n"
        "http://deb.example/debian-security/|Debian|bookworm-security|main\n"
        "http://near.example/debian/|Debian|bookworm|contrib\n"
    )
    assert apt.mirrors_from_targets(text, "Debian", "bookworm") == [
        "http://near.example/debian/",
        "http://deb.example/debian/",
    ]


def test_mirrors_come_from_the_sources_where_apt_has_no_lists():
    text = (
        "'http://apt.example/dists/bookworm/InRelease' apt.example_dists_bookworm_InRelease 0 \n"
        "'http://deb.example/debian/dists/bookworm/InRelease' a 0 \n"
        "'http://deb.example/debian/dists/bookworm-updates/InRelease' b 0 \n"
        "'http://deb.example/debian-security/dists/bookworm-security/InRelease' c 0 \n"
        "'http://node.example/dists/nodistro/InRelease' d 0 \n"
    )
    assert apt.mirrors_from_uris(text, "bookworm") == [
        "http://deb.example/debian/",
        "http://apt.example/",
    ]


URIS = (
    "'http://deb.example/pool/a/a_1.0_amd64.deb' a_1.0_amd64.deb 100 SHA256:00\n"
    "'http://deb.example/pool/b/b_2%2b1_all.deb' b_1%3a2+1_all.deb 50 MD5Sum:00\n"
    "NOTE: words\n"
)


def test_archives_are_read_with_their_sizes():
    assert apt.archives_from_uris(URIS) == [
        apt.Archive("a_1.0_amd64.deb", 100),
        apt.Archive("b_1%3a2+1_all.deb", 50),
    ]


def test_the_key_depends_on_names_and_versions_alone():
    one = apt.archives_from_uris(URIS)
    assert key_of(one) == key_of(list(reversed(one)))
    assert key_of(one) != key_of([apt.Archive("a_1.1_amd64.deb", 100), one[1]])


def test_the_candidate_is_read():
    text = "asterisk:\n  Installed: (none)\n  Candidate: 1:22.10.1+dfsg-1\n  Version table:\n"
    assert apt.candidate_from_policy(text) == (22, 10, 1)
    assert apt.candidate_from_policy("asterisk:\n  Candidate: (none)\n") is None
    assert apt.candidate_from_policy("") is None


@pytest.mark.parametrize(
    ("said", "do"),
    [
        ("W: GPG error: http://m forky InRelease: NO_PUBKEY 0E98", "keyring"),
        ("E: Failed to fetch http://m/x  Temporary failure resolving 'm'", "check the network"),
        ("E: Failed to fetch http://m/x  Could not connect to m:80", "check the network"),
        ("E: You don't have enough: No space left on device", "disk space"),
        ("E: Release file for http://m is expired (invalid since 3d)", "clock"),
        ("E: The repository 'http://m forky Release' does not have a Release file.", "mirror"),
    ],
)
def test_apts_complaints_are_told_with_what_to_do(said, do):
    told = apt.explain_apt(f"{said}\n", "forky")
    assert said[3:] in told
    assert do in told.splitlines()[1]


def test_a_missing_keyring_names_its_package(monkeypatch, tmp_path):
    ubuntu = host.distribution(os_release(ID="ubuntu", VERSION_CODENAME="noble"))
    monkeypatch.setattr(host.Distribution, "keyrings", (tmp_path / "none.gpg",))
    with pytest.raises(ApplianceError, match="sudo apt-get install ubuntu-keyring"):
        apt.find_keyring(ubuntu)


def test_missing_apt_is_told(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ApplianceError, match="apt-get is missing"):
        apt.need_commands()
