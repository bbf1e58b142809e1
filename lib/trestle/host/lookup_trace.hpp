#pragma once

#include <string>
#include <vector>

#include "trestle/dht/lookup_step.hpp"
#include "trestle/wire/json/document.hpp"

namespace trestle::host {

/// The array `steps` of `/trace`: every question of one lookup, in the order of asking (OBS-08).
std::string steps_to_json(const std::vector<dht::LookupStep>& steps);

/// What `dht-node trace` prints for people of such an answer: a line for each question (when it was
/// asked, whom, why, named by whom, through whom) and what came of it, then the nearest that
/// answered.
std::string trace_text(const wire::json::Value& answer);

}  // namespace trestle::host
