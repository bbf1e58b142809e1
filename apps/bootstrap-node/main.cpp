#include <memory>
#include <string>
#include <utility>

#include "trestle/host/program.hpp"
#include "trestle/node/bootstrap/bootstrap_node.hpp"
#include "trestle/node/options.hpp"

namespace {

using namespace trestle;

std::unique_ptr<node::Node> make_node(const host::Settings& settings, const std::string& address,
                                      const crypto::Identity& identity, crypto::Suite& suite,
                                      Rng rng) {
  node::BootstrapOptions options;
  options.common.network = settings.network_name;
  options.common.address = address;
  options.common.admission = settings.admission_options;
  options.common.legacy = settings.serves_legacy;
  options.common.limits = settings.limits.node;
  options.bridges = settings.bridges;
  options.bridge_mode = settings.bridge_mode;
  options.bridge_secret = settings.bridge_secret;
  options.legacy_bridge_secret = settings.legacy_bridge_secret;
  options.genesis = settings.is_genesis;
  return std::make_unique<node::BootstrapNode>(options, identity, suite, std::move(rng));
}

}  // namespace

int main(int argc, char** argv) {
  return host::run_program(argc, argv, {host::ProgramKind::bootstrap, make_node});
}
