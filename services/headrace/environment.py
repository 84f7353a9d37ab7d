"""Settings from environment variables, whose mistakes are told by the variable."""

from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from headrace.errors import HeadraceError


class Settings(BaseSettings):
    """Fields that are read from the environment, each from its prefix and its name.

    Raises
    ------
    HeadraceError
        Naming every variable whose value cannot be used.
    """

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            wrong = [f"{self._variable(each['loc'])}: {each['msg']}" for each in error.errors()]
            raise HeadraceError(
                f"The settings cannot be used. {'; '.join(wrong)}.",
                fix="Correct or unset the environment variables that are named.",
            ) from error

    @classmethod
    def _variable(cls, place: tuple[str | int, ...]) -> str:
        """Return the variable of a field, which is named already where it has one of its own."""
        name = "_".join(map(str, place))
        prefix = "" if name.isupper() else cls.model_config["env_prefix"]
        return f"{prefix}{name.upper() or '*'}"
