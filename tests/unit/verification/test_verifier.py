from dataclasses import replace
from typing import Any, cast

import pytest

from headrace.errors import HeadraceError
from headrace.verification.verifier import Verifier
from support.decided_history import terms


def test_a_charter_that_names_a_field_which_the_schema_lacks_is_a_clear_error() -> None:
    nobody = cast("Any", None)  # neither the broker nor the registry is asked
    with pytest.raises(HeadraceError, match="no field 'card'"):
        Verifier(nobody, nobody, replace(terms(), key_field="card"), 1.0, print)
