#include <memory>
#include <string>
#include <utility>

#include "trestle/host/program.hpp"
#include "trestle/node/bridge/bridge_node.hpp"
#include "trestle/node/options.hpp"

namespace {

using namespace trestle;

std::unique_ptr<node::Node> make_node(const host::Settings& settings, const std::string& address,
                                      const crypto::Identity& identity, crypto::Suite& suite,
                                      Rng rng) {
  node::BridgeOptions options;
  options.common.network = settings.network_name;
  options.common.address = address;
  options.common.admission = settings.admission_options;
  options.common.legacy = settings.serves_legacy;
  options.common.limits = settings.limits.node;
  options.desk = settings.limits.desk;
  options.common.log_questions = settings.log_level == LogLevel::debug;
  options.bootstrap_urls = settings.bootstrap_urls;
  options.diversity = settings.diversity;
  options.lookup_mode = settings.lookup_mode;
  options.proximity = settings.proximity;
  options.bridge_secret = settings.bridge_secret;
  options.legacy_bridge_secret = settings.legacy_bridge_secret;
  return std::make_unique<node::BridgeNode>(options, identity, suite, std::move(rng));
}

}  // namespace

int main(int argc, char** argv) {
  return host::run_program(argc, argv, {host::ProgramKind::bridge, make_node});
}
