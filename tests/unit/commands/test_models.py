"""``headrace models``: which of the published models is meant."""

import pytest

from headrace.commands import serving
from headrace.commands.shelf import chosen
from headrace.errors import HeadraceError
from headrace.models.choice import PERSON, is_pinned


def record(name, version, first_byte):
    return {"name": name, "version": version, "digest": bytes([first_byte]) * 32}


OLD, NEW, AGAIN = (
    record("forest", "1", 0xA1),
    record("forest", "2", 0xA2),
    record("forest", "2", 0xB3),
)
OTHER = record("bayes", "2", 0xC4)
RECORDS = [OLD, NEW, AGAIN, OTHER]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (("forest",), AGAIN),
        (("forest", "1"), OLD),
        (("forest", "2"), AGAIN),
        (("forest", "2", "A2"), NEW),
        (("forest", None, "a1"), OLD),
        ((None, None, "c4"), OTHER),
    ],
)
def test_a_model_is_named_by_name_version_and_digits_and_the_latest_is_meant(wanted, found) -> None:
    assert chosen(RECORDS, *wanted) is found


@pytest.mark.parametrize(
    "wanted", [("tree",), ("forest", "3"), ("bayes", None, "a1"), (None, None, "no digits")]
)
def test_a_model_that_was_not_published_is_told(wanted) -> None:
    with pytest.raises(HeadraceError, match=r"No model .* was published"):
        chosen(RECORDS, *wanted)


def test_digits_of_several_models_are_refused() -> None:
    with pytest.raises(HeadraceError, match="2 models have a digest that begins with 'a'"):
        chosen(RECORDS, "forest", None, "a")


def test_a_model_serves_for_a_reason_or_not_at_all() -> None:
    with pytest.raises(HeadraceError, match="reason is not empty"):
        serving.serve("forest", reason=" ")


@pytest.mark.parametrize("how", [{}, {"name": "forest", "learning": True}])
def test_either_a_model_is_named_or_learning_chooses(how) -> None:
    with pytest.raises(HeadraceError, match="Either a model is to serve, or learning is to choose"):
        serving.serve(**how, reason="tried")


def test_a_person_is_not_taken_for_the_service_whatever_the_account_is_called(monkeypatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "learning")
    assert is_pinned({PERSON: {"by": serving.person()}})
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    assert serving.person() == "ann"
