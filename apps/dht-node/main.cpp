#include <memory>
#include <string>
#include <utility>

#include "trestle/host/program.hpp"
#include "trestle/node/dht/dht_node.hpp"
#include "trestle/node/options.hpp"

namespace {

using namespace trestle;

std::unique_ptr<node::Node> make_node(const host::Settings& settings, const std::string& address,
                                      const crypto::Identity& identity, crypto::Suite& suite,
                                      Rng rng) {
  node::NodeOptions options;
  options.common.network = settings.network_name;
  options.common.address = address;
  options.common.admission = settings.admission_options;
  options.common.legacy = settings.serves_legacy;
  options.common.limits = settings.limits.node;
  options.common.log_questions = settings.log_level == LogLevel::debug;
  options.bootstrap_urls = settings.bootstrap_urls;
  options.diversity = settings.diversity;
  options.lookup_mode = settings.lookup_mode;
  options.proximity = settings.proximity;
  options.platform = settings.platform;
  options.values.network_keys = settings.network_keys;
  options.values.plain_until = settings.plain_until;
  return std::make_unique<node::DhtNode>(options, identity, suite, std::move(rng));
}

}  // namespace

int main(int argc, char** argv) {
  return host::run_program(argc, argv, {host::ProgramKind::node, make_node});
}
