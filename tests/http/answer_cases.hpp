#pragma once

// What a server may say to a request of HTTP/1.1, and what its client makes of that.

#include <string>
#include <vector>

namespace trestle::test {

struct AnswerCase {
  std::string name;
  std::string method;
  std::string stream;
  std::string expects;
};

inline const std::vector<AnswerCase>& answer_cases() {
  static const std::vector<AnswerCase> kCases{
      {"a length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
       "head 200 content-length=5; body hello; end 1; idle; hang up none"},
      {"no body", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
       "head 200 content-length=0; end 1; idle; hang up none"},
      {"chunks", "GET",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nhel\r\n2\r\nlo\r\n0\r\nX: "
       "y\r\n\r\n",
       "head 200 transfer-encoding=chunked; body hello; end 1; idle; hang up none"},
      {"until the end", "GET", "HTTP/1.1 200 OK\r\n\r\nhello",
       "head 200; retiring; body hello; end 1; hang up none"},
      {"a server that closes", "GET",
       "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
       "head 200 connection=close content-length=2; retiring; body hi; end 1; hang up none"},
      {"the old version", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
       "head 200 content-length=2; retiring; body hi; end 1; hang up none"},
      {"a length without a body", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
       "head 200 content-length=5; end 1; idle; hang up none"},
      {"not modified", "GET", "HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n",
       "head 304 content-length=5; end 1; idle; hang up none"},
      {"interim answers", "GET",
       "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
       "head 204; end 1; idle; hang up none"},
      {"no phrase", "GET", "HTTP/1.1 204\r\n\r\n", "head 204; end 1; idle; hang up none"},
      {"more than was asked", "GET", "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
       "head 204; end 1; hang up unasked"},
      {"a switch", "GET", "HTTP/1.1 101 Switching\r\n\r\n", "failed 1 interim; hang up interim"},
      {"no HTTP", "GET", "SSH-2.0-x\r\n\r\n", "failed 1 head; hang up head"},
      {"TLS", "GET", "\x15\x03\x01", "failed 1 head; hang up head"},
      {"a bare line feed", "GET", "HTTP/1.1 200 OK\n\n", "failed 1 head; hang up head"},
      {"two lengths", "GET",
       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
       "failed 1 framing; hang up framing"},
      {"a length and a coding", "GET",
       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "failed 1 framing; hang up framing"},
      {"a length that is none", "GET", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
       "failed 1 framing; hang up framing"},
      {"a length over all numbers", "GET",
       "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
       "failed 1 framing; hang up framing"},
      {"another coding", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
       "failed 1 framing; hang up framing"},
      {"chunks in the old version", "GET",
       "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "failed 1 framing; hang up framing"},
      {"a chunk without a length", "GET",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
       "head 200 transfer-encoding=chunked; failed 1 body; hang up body"},
      {"cut off in the head", "GET", "HTTP/1.1 200 OK\r\nConte",
       "failed 1 cut_off; hang up cut_off"},
      {"cut off in the body", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
       "head 200 content-length=5; body hel; failed 1 cut_off; hang up cut_off"},
      {"nothing at all", "GET", "", "failed 1 cut_off; hang up cut_off"},
  };
  return kCases;
}

}  // namespace trestle::test
