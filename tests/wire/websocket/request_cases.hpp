#pragma once

// Requests, right and wrong, and what becomes of them.

#include <string>
#include <utility>
#include <vector>

namespace trestle::test {

struct RequestCase {
  std::string name;
  std::string stream;
  std::string expects;  ///< As `outcome_of` tells it.
};

/// The key of RFC 6455, section 1.3.
inline constexpr const char* kRfcKey = "dGhlIHNhbXBsZSBub25jZQ==";

/// A request for a WebSocket, to be changed.
struct RequestSketch {
  std::string line = "GET /chat HTTP/1.1";
  std::vector<std::pair<std::string, std::string>> fields = {{"Host", "server.example"},
                                                             {"Upgrade", "websocket"},
                                                             {"Connection", "Upgrade"},
                                                             {"Sec-WebSocket-Key", kRfcKey},
                                                             {"Sec-WebSocket-Version", "13"}};

  RequestSketch with(const std::string& name, const std::string& value) const {
    RequestSketch changed = *this;
    for (auto& [known, known_value] : changed.fields) {
      if (known == name) {
        known_value = value;
        return changed;
      }
    }
    return changed.plus(name, value);
  }
  RequestSketch plus(const std::string& name, const std::string& value) const {
    RequestSketch changed = *this;
    changed.fields.emplace_back(name, value);
    return changed;
  }
  RequestSketch without(const std::string& name) const {
    RequestSketch changed = *this;
    std::erase_if(changed.fields, [&](const auto& field) { return field.first == name; });
    return changed;
  }
  RequestSketch asking(const std::string& first_line) const {
    RequestSketch changed = *this;
    changed.line = first_line;
    return changed;
  }
  std::string text(const std::string& colon = ": ", const std::string& end = "\r\n") const {
    std::string made = line + end;
    for (const auto& [name, value] : fields) made += name + colon + value + end;
    return made + end;
  }
};

/// A GET that asks for no WebSocket.
inline RequestSketch page(const std::string& line = "GET /health HTTP/1.1") {
  return {line, {{"Host", "server.example"}}};
}

inline const std::string kRight = "upgrade /chat ?  @ server.example";
inline const std::string kPage = "get /health ?  @ server.example";

inline void add_right_requests(std::vector<RequestCase>& cases) {
  const RequestSketch right;
  const auto add = [&](std::string name, std::string stream, std::string expects = kRight) {
    cases.push_back({std::move(name), std::move(stream), std::move(expects)});
  };
  add("a right request", right.text());
  add("no white space behind colons", right.text(":"));
  add("much white space behind colons", right.text(": \t  "));
  add("white space behind values", right.with("Sec-WebSocket-Version", "13 \t")
                                       .with("Sec-WebSocket-Key", std::string(kRfcKey) + " ")
                                       .text());
  add("names in small letters",
      "GET /chat HTTP/1.1\r\nhost:server.example\r\nupgrade:websocket\r\nconnection:upgrade\r\n"
      "sec-websocket-key:" +
          std::string(kRfcKey) + "\r\nsec-websocket-version:13\r\n\r\n");
  add("names in capitals",
      "GET /chat HTTP/1.1\r\nHOST:server.example\r\nUPGRADE:WEBSOCKET\r\nCONNECTION:UPGRADE\r\n"
      "SEC-WEBSOCKET-KEY:" +
          std::string(kRfcKey) + "\r\nSEC-WEBSOCKET-VERSION:13\r\n\r\n");
  add("Upgrade: WebSocket", right.with("Upgrade", "WebSocket").text());
  add("Upgrade to one of two", right.with("Upgrade", "h2c, websocket").text());
  add("Upgrade with empty members", right.with("Upgrade", " , websocket,,").text());
  add("Upgrade in two lines", right.with("Upgrade", "h2c").plus("Upgrade", "websocket").text());
  add("Connection: keep-alive, Upgrade", right.with("Connection", "keep-alive, Upgrade").text());
  add("Connection without spaces", right.with("Connection", "keep-alive,upgrade").text());
  add("Connection in two lines",
      right.with("Connection", "keep-alive").plus("Connection", "Upgrade").text());
  add("a length of zero", right.plus("Content-Length", "0").text());
  add("an extension is offered",
      right.plus("Sec-WebSocket-Extensions", "permessage-deflate").text());
  add("one subprotocol", right.plus("Sec-WebSocket-Protocol", "chat").text());
  add("two subprotocols", right.plus("Sec-WebSocket-Protocol", "chat, superchat").text());
  add("subprotocols in two lines",
      right.plus("Sec-WebSocket-Protocol", "a").plus("Sec-WebSocket-Protocol", "b").text());
  add("the origin of a page", right.plus("Origin", "https://app.example").text());
  add("an empty origin", right.plus("Origin", "").text());
  add("a header of bytes above ASCII", right.plus("X-Name", "\xc3\xa9\xff").text());
  add("an empty header", right.plus("X-Empty", "").text());
  add("a name of all token characters", right.plus("!#$%&'*+-.^_`|~09azAZ", "x").text());
  add("the value of a header has colons", right.plus("X-Time", "12:00:00").text());
  add("spare bits of the key are set",
      right.with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZR==").text());
  add("a key of plus and slash",
      right.with("Sec-WebSocket-Key", "+/+/+/+/+/+/+/+/+/+/+A==").text());
  add("frames behind it", right.text() + "\x81\x85 1234");
  add("a query", right.asking("GET /a/b?c=d&e HTTP/1.1").text(),
      "upgrade /a/b ? c=d&e @ server.example");
  add("an empty query", right.asking("GET /a? HTTP/1.1").text(), "upgrade /a ?  @ server.example");
  add("a query with a question mark", right.asking("GET /a?b?c HTTP/1.1").text(),
      "upgrade /a ? b?c @ server.example");
  add("the root", right.asking("GET / HTTP/1.1").text(), "upgrade / ?  @ server.example");
  add("an escaped path", right.asking("GET /a%20b%2Fc HTTP/1.1").text(),
      "upgrade /a%20b%2Fc ?  @ server.example");
  add("an empty segment", right.asking("GET //a HTTP/1.1").text(),
      "upgrade //a ?  @ server.example");
  for (const std::string& scheme : std::vector<std::string>{"http", "https", "ws", "wss", "HTTP"}) {
    add("a URL of " + scheme,
        right.asking("GET " + scheme + "://server.example/chat HTTP/1.1").text());
  }
  add("a URL without a path", right.asking("GET http://server.example HTTP/1.1").text(),
      "upgrade / ?  @ server.example");
  add("a URL with a query alone", right.asking("GET http://server.example?q HTTP/1.1").text(),
      "upgrade / ? q @ server.example");
  add("a URL whose host differs in letters",
      right.asking("GET http://SERVER.example/chat HTTP/1.1").text(),
      "upgrade /chat ?  @ SERVER.example");
  for (const std::string& host :
       std::vector<std::string>{"a", "127.0.0.1:80", "a.example:65535", "a.example:", "[::1]",
                                "[2001:db8::1]:8080", "a_b%20c", "a,b", "xn--e1afmkfd"}) {
    add("Host: " + host, right.with("Host", host).text(), "upgrade /chat ?  @ " + host);
  }
}

inline void add_pages(std::vector<RequestCase>& cases) {
  const auto add = [&](std::string name, std::string stream, std::string expects = kPage) {
    cases.push_back({std::move(name), std::move(stream), std::move(expects)});
  };
  add("GET of a page", page().text());
  add("HEAD of a page", page("HEAD /health HTTP/1.1").text(),
      "head of /health ?  @ server.example");
  add("GET in HTTP/1.0", page("GET /health HTTP/1.0").text());
  add("GET in HTTP/1.0 without Host", page("GET /health HTTP/1.0").without("Host").text(),
      "get /health ?  @ ");
  add("GET that would switch to h2c",
      page().plus("Upgrade", "h2c").plus("Connection", "Upgrade").text());
  add("GET with an Upgrade of another hop", page().plus("Upgrade", "websocket").text());
  add("GET with Connection: upgrade and nothing to switch to",
      page().plus("Connection", "upgrade").text());
  add("GET with Connection: close", page().plus("Connection", "close").text());
  add("GET with a query", page("GET /metrics?format=json HTTP/1.1").text(),
      "get /metrics ? format=json @ server.example");
  add("GET with a subprotocol and no key", page().plus("Sec-WebSocket-Protocol", "chat").text());
  add("HEAD that asks for a WebSocket", RequestSketch().asking("HEAD /chat HTTP/1.1").text(),
      "no upgrade");
  add("a WebSocket in HTTP/1.0", RequestSketch().asking("GET /chat HTTP/1.0").text(), "no upgrade");
}

inline void add_wrong_heads(std::vector<RequestCase>& cases) {
  const RequestSketch right;
  const std::string text = right.text();
  const auto add = [&](std::string name, std::string stream, std::string expects = "head") {
    cases.push_back({std::move(name), std::move(stream), std::move(expects)});
  };
  using namespace std::string_literals;
  add("nothing", "", "reading");
  add("all but its last byte", text.substr(0, text.size() - 1), "reading");
  add("an empty line first", "\r\n" + text);
  add("a space first", " " + text);
  add("a TLS hello", "\x16\x03\x01\x02\0\x01"s);
  add("a frame", "\x81\x85"s);
  add("lines end with LF alone", right.text(": ", "\n"));
  add("lines end with CR alone", right.text(": ", "\r"), "reading");
  add("one line ends with LF alone", "GET /chat HTTP/1.1\r\nHost: a\nX: b\r\n\r\n");
  add("a CR inside a value", right.plus("X", "a\rb").text());
  add("two CR at a line's end", right.plus("X", "a\r").text());
  add("a zero in a value", right.plus("X", "a\0b"s).text());
  add("a bell in a value", right.plus("X", "\a").text());
  add("DEL in a value", right.plus("X", "\x7f").text());
  add("a tab in a value", right.plus("X", "a\tb").text(), kRight);
  add("a zero in the first line", "GET /a\0b HTTP/1.1\r\n\r\n"s);
  add("a folded line", right.plus("X", "a\r\n b").text());
  add("a folded line with a tab", right.plus("X", "a\r\n\tb").text());
  add("a folded first header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n");
  add("a line without a colon", right.plus("nonsense\r\nX", "a").text());
  add("a space before the colon", right.without("Upgrade").plus("Upgrade ", "websocket").text());
  add("a tab before the colon", right.without("Upgrade").plus("Upgrade\t", "websocket").text());
  add("an empty name", right.plus("", "a").text());
  add("a name with a space", right.plus("X Y", "a").text());
  add("a name with a parenthesis", right.plus("X(Y)", "a").text());
  add("a name above ASCII", right.plus("X\xc3\xa9", "a").text());
  add("no version", right.asking("GET /chat").text());
  add("no target", right.asking("GET HTTP/1.1").text());
  add("a word alone", right.asking("GET").text());
  add("two spaces behind the method", right.asking("GET  /chat HTTP/1.1").text(), "target");
  add("two spaces before the version", right.asking("GET /chat  HTTP/1.1").text(), "target");
  add("a space at the end of the line", right.asking("GET /chat HTTP/1.1 ").text());
  add("a tab for a space", right.asking("GET\t/chat HTTP/1.1").text());
  add("four words", right.asking("GET /chat more HTTP/1.1").text(), "target");
  for (const std::string& version : std::vector<std::string>{
           "http/1.1", "HTTP/1", "HTTP/1.11", "HTTP/11.1", "HTTP/a.b", "HTTP 1.1", "HTTPS/1.1"}) {
    add("version " + version, right.asking("GET /chat " + version).text());
  }
  for (const std::string& version :
       std::vector<std::string>{"HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/9.9"}) {
    add("version " + version, right.asking("GET /chat " + version).text(), "version");
  }
  for (const std::string& method : std::vector<std::string>{
           "POST", "PUT", "OPTIONS", "CONNECT", "TRACE", "DELETE", "PRI", "get", "Get", "FETCH"}) {
    add("method " + method, right.asking(method + " /chat HTTP/1.1").text(), "method");
  }
  add("a method that is no token", right.asking("G(T /chat HTTP/1.1").text());
  const std::size_t frame = text.size() + 10;  // of the header `X-Long: ...` and its end
  add("as long as it may be", right.plus("X-Long", std::string(8192 - frame, 'a')).text(), kRight);
  add("one byte longer", right.plus("X-Long", std::string(8193 - frame, 'a')).text());
  add("a path of twenty kilobytes",
      right.asking("GET /" + std::string(20'000, 'a') + " HTTP/1.1").text());
  add("eight kilobytes without a line end", "GET /" + std::string(8187, 'a'));
  RequestSketch many = right;
  while (many.fields.size() < 64) many = many.plus("X-" + std::to_string(many.fields.size()), "a");
  add("as many headers as may be", many.text(), kRight);
  add("one header more", many.plus("X", "a").text());
}

inline void add_wrong_requests(std::vector<RequestCase>& cases) {
  const RequestSketch right;
  const auto add = [&](std::string name, const RequestSketch& request, std::string expects) {
    cases.push_back({std::move(name), request.text(), std::move(expects)});
  };
  for (const std::string& target : std::vector<std::string>{"chat",
                                                            "*",
                                                            "server.example:80",
                                                            "/chat#part",
                                                            "/a b",
                                                            "/a\"b",
                                                            "/a<b>",
                                                            "/a\\b",
                                                            "/a^b",
                                                            "/a`b",
                                                            "/a{b}",
                                                            "/a|b",
                                                            "/%",
                                                            "/%4",
                                                            "/%4g",
                                                            "/\xc3\xa9",
                                                            "?q",
                                                            "/a?b#c",
                                                            "/a?%",
                                                            "ftp://server.example/",
                                                            "http:///chat",
                                                            "http://user@server.example/",
                                                            "http://server.example:99999/",
                                                            "http://server.example#a",
                                                            "http:/chat"}) {
    add("target " + target, right.asking("GET " + target + " HTTP/1.1"), "target");
  }
  add("a body of five bytes", right.plus("Content-Length", "5"), "body");
  add("a body of many bytes", right.plus("Content-Length", "99999999999999999999999999"), "body");
  add("a length of zeros", right.plus("Content-Length", "000"), kRight);
  add("a length of minus one", right.plus("Content-Length", "-1"), "framing");
  add("a length of plus zero", right.plus("Content-Length", "+0"), "framing");
  add("an empty length", right.plus("Content-Length", ""), "framing");
  add("a list of lengths", right.plus("Content-Length", "0, 0"), "framing");
  add("a length in hexadecimal", right.plus("Content-Length", "0x0"), "framing");
  add("two lengths", right.plus("Content-Length", "0").plus("Content-Length", "5"), "framing");
  add("two equal lengths", right.plus("Content-Length", "0").plus("content-length", "0"),
      "framing");
  add("chunks", right.plus("Transfer-Encoding", "chunked"), "framing");
  add("no coding", right.plus("Transfer-Encoding", "identity"), "framing");
  add("chunks and a length", right.plus("Transfer-Encoding", "chunked").plus("Content-Length", "0"),
      "framing");
  add("a page with chunks", page().plus("Transfer-Encoding", "chunked"), "framing");
  add("a page with a body", page().plus("Content-Length", "1"), "body");
  add("no Host", right.without("Host"), "host");
  add("two Hosts", right.plus("Host", "other.example"), "host");
  add("two equal Hosts", right.plus("host", "server.example"), "host");
  for (const std::string& host : std::vector<std::string>{
           "", "a b", "user@a", "a/b", "a:b", "a:65536", "a:-1", ":80", "[::1", "[]", "[::1]80",
           "[g]", "[:]", "a\"b", "::1", "a:1:2", "[fe80::1%25eth0]"}) {
    add("Host: " + host, right.with("Host", host), "host");
  }
  add("a page without Host", page().without("Host"), "host");
  add("a URL of another host", right.asking("GET http://other.example/chat HTTP/1.1"), "host");
  add("a URL of another port", right.asking("GET http://server.example:81/chat HTTP/1.1"), "host");
  add("a URL and no Host", right.asking("GET http://server.example/chat HTTP/1.1").without("Host"),
      "host");
  add("two origins", right.plus("Origin", "https://a.example").plus("Origin", "https://b.example"),
      "repeated");
  add("two keys", right.plus("Sec-WebSocket-Key", kRfcKey), "repeated");
  add("two versions", right.plus("Sec-WebSocket-Version", "13"), "repeated");
  add("two keys of a page", page().plus("Sec-WebSocket-Key", "a").plus("Sec-WebSocket-Key", "b"),
      "repeated");
  add("no Upgrade", right.without("Upgrade"), "no upgrade");
  add("no Connection", right.without("Connection"), "no upgrade");
  add("Upgrade: h2c", right.with("Upgrade", "h2c"), "no upgrade");
  add("Upgrade: websockets", right.with("Upgrade", "websockets"), "no upgrade");
  add("Upgrade: websocket/13", right.with("Upgrade", "websocket/13"), "no upgrade");
  add("Upgrade: web socket", right.with("Upgrade", "web socket"), "no upgrade");
  add("an empty Upgrade", right.with("Upgrade", ""), "no upgrade");
  add("Connection: close", right.with("Connection", "close"), "no upgrade");
  add("Connection: keep-alive", right.with("Connection", "keep-alive"), "no upgrade");
  add("Connection: upgraded", right.with("Connection", "upgraded"), "no upgrade");
  add("Connection: \"Upgrade\"", right.with("Connection", "\"Upgrade\""), "no upgrade");
  add("a version and no key, without Upgrade",
      right.without("Upgrade").without("Sec-WebSocket-Key"), "no upgrade");
  for (const std::string& version :
       std::vector<std::string>{"", "8", "12", "14", "013", "13.0", "13, 8", "x", "0", "7, 13"}) {
    add("protocol version '" + version + "'", right.with("Sec-WebSocket-Version", version),
        "other version");
  }
  add("no protocol version", right.without("Sec-WebSocket-Version"), "other version");
  add("neither version nor key",
      right.without("Sec-WebSocket-Version").without("Sec-WebSocket-Key"), "other version");
  add("no key", right.without("Sec-WebSocket-Key"), "key");
  for (const std::string& key : std::vector<std::string>{
           "", "A", "AAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA",
           "AAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAAA",
           "AAAAAAAAAAAAAAAAAAAAAA==AAAA", "!!!!!!!!!!!!!!!!!!!!!!==", "AAAAAAAAAAAAAAAAAAAA====",
           "AAAAAAAAAA AAAAAAAAAAA==", "-_-_-_-_-_-_-_-_-_-_-A==", "AAAAAAAAAAAAAAAAAAAAA=A="}) {
    add("key '" + key + "'", right.with("Sec-WebSocket-Key", key), "key");
  }
  add("a key of two hundred bytes", right.with("Sec-WebSocket-Key", std::string(200, 'A')), "key");
  for (const std::string& names : std::vector<std::string>{
           "", " , ", "a b", "chat, chat", "a, b, a", "chat;x", "(chat)", "\"chat\""}) {
    add("subprotocols '" + names + "'", right.plus("Sec-WebSocket-Protocol", names),
        "subprotocols");
  }
  add("a subprotocol twice in two lines",
      right.plus("Sec-WebSocket-Protocol", "a").plus("Sec-WebSocket-Protocol", "a"),
      "subprotocols");
}

inline std::vector<RequestCase> request_cases() {
  std::vector<RequestCase> cases;
  add_right_requests(cases);
  add_pages(cases);
  add_wrong_heads(cases);
  add_wrong_requests(cases);
  return cases;
}

}  // namespace trestle::test
