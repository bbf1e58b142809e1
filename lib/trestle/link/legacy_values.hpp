#pragma once

#include <optional>
#include <string>

#include "trestle/wire/legacy/raw_json.hpp"
#include "trestle/wire/message/dht.hpp"

namespace trestle::link {

/// The value of a record as JSON: as received if it came through the old dialect, else as a JSON
/// string of its bytes. Nothing when the bytes are no text, which JSON cannot carry.
std::optional<wire::legacy::RawJson> json_of_value(const wire::Record& record);

/// The other way round: the JSON as received, marked as what it is, for nobody signed it.
void set_value_from_json(wire::Record& record, const wire::legacy::RawJson& value);

}  // namespace trestle::link
