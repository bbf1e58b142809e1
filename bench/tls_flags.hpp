#pragma once

#include <utility>

#include "die.hpp"
#include "flags.hpp"
#include "trestle/host/tls_material.hpp"

namespace trestle::bench {

/// The files that `--cert`, `--key` and `--ca` name, or the end of the program.
inline host::TlsMaterial tls_of(const Flags& flags) {
  auto material = host::read_tls_files(
      {.certificate = flags.text("cert"), .key = flags.text("key"), .ca = flags.text("ca")});
  if (!material) die(material.error());
  return std::move(*material);
}

}  // namespace trestle::bench
