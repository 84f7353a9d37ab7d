"""Keys in files."""

import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from headrace.errors import HeadraceError
from headrace.models.keys import generate_key, key_id, load_key, load_trusted


def test_a_generated_key_can_be_loaded_and_is_trusted(tmp_path) -> None:
    key = generate_key(tmp_path / "signing.pem", tmp_path / "trusted")
    public = key.public_key()
    assert load_key(tmp_path / "signing.pem").public_key() == public
    assert load_trusted(tmp_path / "trusted") == {key_id(public): public}
    assert (tmp_path / "trusted" / f"{key_id(public).hex()}.pem").exists()


def test_a_private_key_is_its_owners_alone(tmp_path) -> None:
    generate_key(tmp_path / "signing.pem", tmp_path / "trusted")
    assert stat.S_IMODE((tmp_path / "signing.pem").stat().st_mode) == 0o600


def test_a_private_key_is_never_overwritten(tmp_path) -> None:
    generate_key(tmp_path / "signing.pem", tmp_path / "trusted")
    before = (tmp_path / "signing.pem").read_bytes()
    with pytest.raises(FileExistsError):
        generate_key(tmp_path / "signing.pem", tmp_path / "trusted")
    assert (tmp_path / "signing.pem").read_bytes() == before


def test_without_a_folder_nobody_is_trusted(tmp_path) -> None:
    assert load_trusted(tmp_path / "none") == {}


def test_a_private_key_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(HeadraceError, match=r"signing\.pem cannot be read"):
        load_key(tmp_path / "signing.pem")


def test_what_is_no_ed25519_key_is_named(tmp_path) -> None:
    other = generate_private_key(SECP256R1()).public_key()
    pem = other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for content in (pem, b"garbage"):
        (tmp_path / "a.pem").write_bytes(content)
        with pytest.raises(HeadraceError, match=r"a\.pem holds no .* private Ed25519 key"):
            load_key(tmp_path / "a.pem")
        with pytest.raises(HeadraceError, match=r"a\.pem holds no .* public Ed25519 key"):
            load_trusted(tmp_path)
