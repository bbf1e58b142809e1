#pragma once

#include <string>
#include <string_view>

namespace trestle::link {

/// An address that says nothing about who is behind it: a proxy in front of us, or the programs of
/// this machine. All of 127.0.0.0/8, and ::1. Bounds per address except it.
bool is_loopback(std::string_view address);

/// What bounds per address count by: an IPv4 address, and the first 64 bits of an IPv6 address,
/// because whoever is given one is given them all. Textual addresses as in `Accepted`.
std::string address_key(std::string_view address);

/// What wider bounds count by: the /24 of an IPv4 address, the /48 of an IPv6 address, as much as
/// one customer is usually given.
std::string address_prefix_key(std::string_view address);

}  // namespace trestle::link
