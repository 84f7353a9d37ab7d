"""``headrace doctor``: what this machine lacks, and how to mend it."""

from dataclasses import asdict

from headrace.commands.console import print_json, results
from headrace.local.diagnosis import diagnose
from headrace.local.settings import LocalSettings


def doctor(*, json: bool = False) -> None:
    """Check what Headrace needs on this machine and name the fix; exit 1 if anything is amiss.

    Parameters
    ----------
    json
        Print one JSON document instead of lines.
    """
    checks = list(diagnose(LocalSettings()))
    if json:
        print_json([{**asdict(check), "fine": check.fine} for check in checks])
    else:
        for check in checks:
            mark = "ok " if check.fine else "fix"
            results.print(
                f"{mark}  {check.name:<18} {check.found}",
                soft_wrap=True,
                markup=False,
                highlight=False,
            )
            if check.fix:
                results.print(
                    f"     {'':<18} {check.fix}", soft_wrap=True, markup=False, style="bold"
                )
    if not all(check.fine for check in checks):
        raise SystemExit(1)
