#include "trestle/host/published_identity.hpp"

#include <optional>
#include <utility>

#include "trestle/crypto/identity.hpp"
#include "trestle/host/admin_client.hpp"
#include "trestle/host/identity_text.hpp"
#include "trestle/wire/json/parse.hpp"

namespace trestle::host {
namespace {

/// The value in what the node answered.
std::optional<std::string> value_in(const std::string& body) {
  const auto document = wire::json::parse(body);
  const auto value = document ? document->root().member("value") : std::nullopt;
  const auto text = value ? value->text() : std::nullopt;
  return text ? std::optional(std::string(*text)) : std::nullopt;
}

}  // namespace

std::string identity_key_of(const NodeId& id) { return "@" + id.to_hex() + "/identity"; }

Result<std::string, std::string> find_identity(const Settings& settings, const NodeId& id) {
  const auto answer =
      ask_admin(admin_address(settings), "/get?key=" + percent_encoded(identity_key_of(id)), {},
                std::string(as_text(settings.admin_secret)));
  if (!answer) return refuse(answer.error());
  auto text = answer->status == 200 ? value_in(answer->body) : std::nullopt;
  if (!text) return refuse(id.to_hex() + " has published no identity that can be found");
  crypto::Suite suite;
  const auto record = read_identity_text(suite, *text);
  if (!record || crypto::node_id_of(suite, record->proof_key) != id) {
    return refuse("what " + id.to_hex() + " has published is not its identity");
  }
  return std::move(*text);
}

}  // namespace trestle::host
