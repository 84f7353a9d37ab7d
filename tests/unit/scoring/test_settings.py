"""Where scoring finds its files."""

from pathlib import Path

from headrace.scoring.settings import ScoringSettings


def test_a_checkout_needs_no_settings(monkeypatch) -> None:
    for name in ("HOME", "CHARTER", "MODELS", "KEYS"):
        monkeypatch.delenv(f"HEADRACE_{name}", raising=False)
    settings = ScoringSettings()
    assert settings.charter.is_file()
    assert settings.model_folder("card-fraud") == Path(".headrace/models/card-fraud")
    assert settings.signing_key == Path(".headrace/keys/signing.pem")
    assert settings.trusted_keys == Path(".headrace/keys/trusted")


def test_everything_moves_with_the_home_unless_set(monkeypatch) -> None:
    monkeypatch.setenv("HEADRACE_HOME", "elsewhere")
    monkeypatch.setenv("HEADRACE_KEYS", "vault")
    monkeypatch.setenv("HEADRACE_MODELS", "")
    settings = ScoringSettings()
    assert settings.model_folder("card-fraud") == Path("elsewhere/models/card-fraud")
    assert settings.trusted_keys == Path("vault/trusted")
