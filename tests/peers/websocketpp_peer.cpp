// websocketpp as a peer of tests/process/web_socket_peers.py, where its manners are described:
//   websocketpp_peer serve|dial MESSAGE_BYTES_MAX

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <istream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <unistd.h>
#include <websocketpp/client.hpp>
#include <websocketpp/config/asio_no_tls.hpp>
#include <websocketpp/config/asio_no_tls_client.hpp>
#include <websocketpp/server.hpp>

namespace {

namespace opcode = websocketpp::frame::opcode;

/// Short text as it is, anything else as its size and a checksum (FNV-1a).
std::string shown(const std::string& content) {
  bool is_plain = content.size() <= 24;
  for (const char letter : content) {
    is_plain = is_plain && letter >= ' ' && letter <= '~' && letter != ',';
  }
  if (is_plain) return "'" + content + "'";
  std::uint32_t sum = 2166136261u;
  for (const char letter : content) sum = (sum ^ static_cast<std::uint8_t>(letter)) * 16777619u;
  return std::to_string(content.size()) + "#" + std::to_string(sum);
}

std::string content(std::size_t bytes) {
  std::string made(bytes, ' ');
  for (std::size_t index = 0; index < bytes; ++index) {
    made[index] = static_cast<char>('a' + index % 26);
  }
  return made;
}

struct Talk {
  bool has_name = false;
  std::string name;
  std::size_t messages = 0;
  std::string heard;
  std::vector<std::size_t> sizes;  // Of what we say, where we are the one who does.
};

/// `Endpoint` is a client or a server of websocketpp.
template <typename Endpoint>
class Peer {
 public:
  using Handle = websocketpp::connection_hdl;
  using Message = typename Endpoint::message_ptr;

  explicit Peer(std::size_t message_bytes_max) {
    endpoint.clear_access_channels(websocketpp::log::alevel::all);
    endpoint.clear_error_channels(websocketpp::log::elevel::all);
    endpoint.init_asio();
    endpoint.set_max_message_size(message_bytes_max);
    endpoint.set_open_handler([this](Handle handle) { on_open(handle); });
    endpoint.set_message_handler([this](Handle handle, Message message) {
      on_message(handle, message->get_opcode(), message->get_payload());
    });
    endpoint.set_close_handler([this](Handle handle) { on_close(handle); });
  }

  void read_orders(const std::function<void(const std::string&)>& take) {
    take_ = take;
    input_ = std::make_unique<websocketpp::lib::asio::posix::stream_descriptor>(
        endpoint.get_io_service(), ::dup(STDIN_FILENO));
    read_order();
  }

  std::map<Handle, Talk, std::owner_less<Handle>> talks;
  Endpoint endpoint;

 private:
  void read_order() {
    websocketpp::lib::asio::async_read_until(*input_, text_, '\n', [this](auto error, std::size_t) {
      if (error) return endpoint.stop();
      std::istream stream(&text_);
      std::string line;
      std::getline(stream, line);
      take_(line);
      read_order();
    });
  }

  void on_open(const Handle& handle) {
    Talk& talk = talks[handle];
    if (!talk.has_name) return;
    endpoint.send(handle, talk.name, opcode::text);
    for (const std::size_t size : talk.sizes) {
      endpoint.send(handle, content(size), opcode::text);
      endpoint.send(handle, content(size), opcode::binary);
    }
  }

  void on_message(const Handle& handle, opcode::value kind, const std::string& payload) {
    Talk& talk = talks[handle];
    if (!talk.has_name) {
      talk.has_name = true;
      talk.name = payload;
      return;
    }
    if (kind == opcode::text && payload == "the marker") {
      return endpoint.send(handle, "alive", opcode::text);
    }
    const bool echoes = talk.sizes.empty() && talk.name.rfind("talk", 0) == 0;
    if (echoes && kind == opcode::text && payload.rfind("close ", 0) == 0) {
      const auto status = std::strtoul(payload.c_str() + 6, nullptr, 10);
      return endpoint.close(handle, static_cast<std::uint16_t>(status), "as asked");
    }
    talk.heard += (talk.messages++ == 0 ? "" : ", ");
    talk.heard += (kind == opcode::text ? "text " : "binary ") + shown(payload);
    if (echoes) endpoint.send(handle, payload, kind);
    if (!talk.sizes.empty() && talk.messages == 2 * talk.sizes.size()) {
      endpoint.close(handle, websocketpp::close::status::normal, "done");
    }
  }

  void on_close(const Handle& handle) {
    const Talk& talk = talks[handle];
    std::printf("%s\t%u\t%s\n", talk.name.c_str(),
                unsigned{endpoint.get_con_from_hdl(handle)->get_remote_close_code()},
                talk.heard.c_str());
    std::fflush(stdout);
    talks.erase(handle);
  }

  std::function<void(const std::string&)> take_;
  std::unique_ptr<websocketpp::lib::asio::posix::stream_descriptor> input_;
  websocketpp::lib::asio::streambuf text_;
};

using Server = websocketpp::server<websocketpp::config::asio>;
using Client = websocketpp::client<websocketpp::config::asio_client>;

void say_ready(unsigned port) {
  std::printf("ready %u\n", port);
  std::fflush(stdout);
}

int serve(std::size_t message_bytes_max) {
  Peer<Server> peer(message_bytes_max);
  peer.read_orders([](const std::string&) {});
  websocketpp::lib::asio::error_code error;
  peer.endpoint.listen(websocketpp::lib::asio::ip::tcp::endpoint(
      websocketpp::lib::asio::ip::address_v4::loopback(), 0));
  peer.endpoint.start_accept();
  say_ready(peer.endpoint.get_local_endpoint(error).port());
  peer.endpoint.run();
  return 0;
}

/// `PORT [NAME SIZE...]`
void dial(Peer<Client>& peer, const std::string& line) {
  std::istringstream words(line);
  std::string port;
  words >> port;
  Talk talk;
  talk.has_name = static_cast<bool>(words >> talk.name);
  talk.sizes.assign(std::istream_iterator<std::size_t>(words), {});
  websocketpp::lib::error_code error;
  const auto connection = peer.endpoint.get_connection("ws://127.0.0.1:" + port + "/", error);
  peer.talks[connection->get_handle()] = talk;
  peer.endpoint.connect(connection);
}

int dial_on_order(std::size_t message_bytes_max) {
  Peer<Client> peer(message_bytes_max);
  peer.endpoint.start_perpetual();
  peer.read_orders([&peer](const std::string& line) { dial(peer, line); });
  say_ready(0);
  peer.endpoint.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::size_t message_bytes_max = std::strtoul(argv[2], nullptr, 10);
  return std::string(argv[1]) == "serve" ? serve(message_bytes_max)
                                         : dial_on_order(message_bytes_max);
}
