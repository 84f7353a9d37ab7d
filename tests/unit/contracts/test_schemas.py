"""Schemas are found by name, wherever they are shipped."""

import pytest

from headrace.contracts.location import shipped
from headrace.contracts.schemas import load_schema, nullable_fields, schema_names
from headrace.errors import HeadraceError


def test_names_are_folder_and_record():
    assert "platform/DecisionMade" in schema_names()
    assert "card-fraud/Transaction" in schema_names()
    assert all(load_schema(name)["name"] == name.partition("/")[2] for name in schema_names())


@pytest.mark.parametrize(
    "name", ["platform/DecisionMad", "DecisionMade", "../pyproject", "", "platform/../topics"]
)
def test_an_unknown_name_is_an_error_that_says_which_there_are(name):
    with pytest.raises(HeadraceError) as refused:
        load_schema(name)
    assert any(near in refused.value.fix for near in schema_names())


def test_a_misspelt_name_is_told_what_may_have_been_meant():
    with pytest.raises(HeadraceError) as refused:
        load_schema("platform/DecisionMad")
    assert refused.value.fix == "Did you mean platform/DecisionMade?"


def test_each_reader_has_its_own_copy():
    load_schema("platform/DecisionMade")["fields"].clear()
    assert load_schema("platform/DecisionMade")["fields"]


def test_the_installed_copy_comes_first_and_the_checkout_second(tmp_path, monkeypatch):
    from headrace.contracts import location

    monkeypatch.setattr(location, "_PACKAGE", tmp_path)
    assert shipped("schemas") == location._CHECKOUT / "schemas"
    (tmp_path / "_shipped" / "schemas").mkdir(parents=True)
    assert shipped("schemas") == tmp_path / "_shipped" / "schemas"


def test_the_fields_that_may_be_null_are_named():
    assert nullable_fields("card-fraud/Transaction") == ["distance_km"]
    assert nullable_fields("platform/TrafficSketched") == []
