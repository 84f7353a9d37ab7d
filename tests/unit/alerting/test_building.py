"""What alerting refuses to start with."""

import pytest

from headrace.alerting.app import build
from headrace.alerting.settings import AlertingSettings
from headrace.chassis.service import Around
from headrace.chassis.settings import KafkaSettings, StreamSettings
from headrace.contracts.registry import RegistrySettings
from headrace.errors import HeadraceError
from support.traces import UNTRACED
from support.use_case import SHIPPED


def test_signs_of_life_so_rare_that_no_silence_can_be_told_are_refused():
    stream = StreamSettings(heartbeat_every_s=30)  # the charter misses services after a minute
    around = Around(KafkaSettings(), RegistrySettings(), stream, UNTRACED)
    with pytest.raises(HeadraceError, match="every 30 s: its silence could not be told"):
        build(AlertingSettings(charter=SHIPPED), around)
