"""The model that serves: one that can be verified, or none."""

import logging

import pytest

from headrace.scoring.app import verified_model
from headrace.scoring.provision import freeze
from headrace.scoring.settings import ScoringSettings
from support.desk import charter_with


@pytest.fixture
def settings(tmp_path) -> ScoringSettings:
    return ScoringSettings(home=tmp_path)


def test_a_signed_model_serves(settings) -> None:
    charter = charter_with()
    artefact = freeze(settings, charter)
    model = verified_model(settings, charter)
    assert model is not None
    assert model.digest == artefact.digest


def tamper(settings, folder) -> None:
    chunk = next((folder / "chunks").iterdir())
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"\x01")


def remove(settings, folder) -> None:
    (folder / "manifest.sig").unlink()


def distrust(settings, folder) -> None:
    for key in settings.trusted_keys.iterdir():
        key.unlink()


def spoil_keys(settings, folder) -> None:
    (settings.trusted_keys / "other.pem").write_text("no key")


@pytest.mark.parametrize("harm", [tamper, remove, distrust, spoil_keys])
def test_a_model_that_cannot_be_verified_does_not_serve(settings, harm, caplog) -> None:
    charter = charter_with()
    freeze(settings, charter)
    harm(settings, settings.model_folder(charter.name))
    assert verified_model(settings, charter) is None
    assert [each.levelno for each in caplog.records] == [logging.ERROR]
    assert "rules decide in place of the model" in caplog.text


def test_a_model_of_other_features_does_not_serve(settings) -> None:
    freeze(settings, charter_with())
    other = charter_with(('calendar = "weekend"', 'calendar = "weekday"'))
    assert verified_model(settings, other) is None


def test_no_model_at_all_does_not_serve(settings) -> None:
    assert verified_model(settings, charter_with()) is None
