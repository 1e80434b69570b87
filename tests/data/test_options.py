"""Rules by which files are read: wrong ones are refused before any file is."""

from __future__ import annotations

import pytest

from luthier.api.settings import Settings
from luthier.data.options import DataOptions, codec
from luthier.errors import ConfigError


@pytest.mark.parametrize(("options", "message"), [
    ({"spans": "longets"}, "--spans longets: must be refuse or longest. Did you mean 'longest'"),
    ({"encoding": "utf-9"}, "--encoding utf-9: no such encoding of text. Did you mean 'utf-8'"),
    ({"encoding": "hex"}, "--encoding hex: no such encoding of text. Give one such as"),
    ({"spans": "no", "encoding": ""}, "--spans no: .*\\n--encoding : no such encoding"),
])
def test_wrong_rules_are_refused_all_at_once_wherever_they_are_given(options: dict[str, str], message: str) -> None:
    for made in (DataOptions, Settings):
        with pytest.raises(ConfigError, match=message):
            made(**options)


def test_codec_knows_encodings_by_all_their_names() -> None:
    assert (codec("UTF8"), codec("utf-8-sig"), codec("windows-1252")) == ("utf-8", "utf-8", "cp1252")
