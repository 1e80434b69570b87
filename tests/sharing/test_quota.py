"""Sizes as people write them, and what a study may keep on disk."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.errors import ConfigError
from luthier.sharing.quota import DEFAULT_BYTES, MOST_BYTES, Quota, parse_size, size


@pytest.mark.parametrize(("text", "amount"), [
    ("2GB", 2 * 10**9), ("500MB", 5 * 10**8), ("1.5GiB", 3 * 2**29), ("1000000", 10**6), ("0", 0), (" 2 gb ", 2 * 10**9),
    ("10B", 10), ("3kB", 3000), ("3KiB", 3072), ("1tib", 2**40), ("0.1MB", 10**5), (str(MOST_BYTES), MOST_BYTES)])
def test_sizes_are_read_as_people_write_them(text: str, amount: int) -> None:
    assert parse_size(text) == amount


@pytest.mark.parametrize("text", [
    "", "lots",
    "GB", "-1GB", "2XB", "2GB2", "1e9", "nan", "inf", "1,5GB", "2G", ".5GB", "1.GB", "٣GB", str(MOST_BYTES + 1), "9" * 5000])
def test_anything_else_is_one_error_that_says_what_to_write(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--disk .*: not an amount of disk space; write 500MB, 2GB") as error:
        parse_size(text)
    assert "\n" not in str(error.value)


@given(total=st.integers(0, MOST_BYTES))
def test_a_quota_is_divided_whole_and_in_halves(total: int) -> None:
    quota = Quota(total)
    assert quota.checkpoints + quota.trunk == total
    assert 0 <= quota.checkpoints - quota.trunk <= 1


@pytest.mark.parametrize(("amount", "said"), [
    (0, "0 bytes"), (512, "512 bytes"), (10**6, "1.0 MB"), (183_400_000, "183 MB"),
    (DEFAULT_BYTES, "17 GB"), (2 * 10**12, "2.0 TB")])
def test_sizes_are_said_shortly(amount: int, said: str) -> None:
    assert size(amount) == said
