"""Which addresses a model may reach."""

import pytest

from agents.tools.public_address import is_public


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",  # where clouds keep their metadata service
        "100.64.0.1",  # shared by the customers of a carrier; some clouds' metadata is here
        "192.0.0.192",  # another cloud's metadata
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",  # metadata again
        "ff02::1",
    ],
)
def test_addresses_of_machines_and_networks_of_ones_own_are_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("form", ["::ffff:{}", "64:ff9b::{}", "::{}"])
@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1"])
def test_a_private_address_in_another_form_is_still_private(form: str, address: str) -> None:
    assert not is_public(form.format(address))


def test_6to4_is_what_is_behind_it() -> None:
    assert not is_public("2002:7f00:1::")
    assert not is_public("2002:a9fe:a9fe::")


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="localhost"):
        is_public("localhost")
