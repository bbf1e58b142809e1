// The same onboarding over gRPC C++: unary calls on one channel, completion queues on both ends,
// which is the faster of its two interfaces. One thread an end of ours; gRPC adds its own.
//
//   grpc_echo server [--cert FILE --key FILE]       prints `ready PORT`
//   grpc_echo client --port N [--ca FILE] [--in-flight N] [--warm-up-ms N] [--run-ms N]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>
#include <sys/resource.h>

#include "introduce.grpc.pb.h"

namespace {

using Clock = std::chrono::steady_clock;
using trestle::bench::Bridge;
using trestle::bench::Contact;
using trestle::bench::IntroduceRequest;
using trestle::bench::IntroduceResponse;

constexpr int kWanted = 4;
constexpr unsigned kMembers = 32;

std::string id_of(std::uint64_t number) {
  std::string id(20, '\0');
  for (std::size_t index = 0; index < 8; ++index) {
    id[index] = static_cast<char>(number * 0x9e3779b97f4a7c15u >> (8 * index));
  }
  return id;
}

void fill(Contact& contact, std::uint64_t number, const std::string& address,
          const std::string& metadata) {
  contact.set_id(id_of(number));
  contact.set_role(3);
  contact.set_dialect(1);
  contact.set_address(address);
  if (!metadata.empty()) contact.set_metadata(metadata);
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

// ---- server

/// One call on its way: asked for, answered, finished.
class Call {
 public:
  Call(Bridge::AsyncService& service, grpc::ServerCompletionQueue& queue)
      : service_(service), queue_(queue), responder_(&context_) {
    service_.RequestIntroduce(&context_, &request_, &responder_, &queue_, &queue_, this);
  }

  void proceed(std::uint64_t& random, const std::vector<Contact>& members) {
    if (is_answered_) {
      delete this;
      return;
    }
    new Call(service_, queue_);
    IntroduceResponse response;
    for (int index = 0; index < kWanted; ++index) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      *response.add_members() = members[(random >> 33) % kMembers];
    }
    is_answered_ = true;
    responder_.Finish(response, grpc::Status::OK, this);
  }

 private:
  Bridge::AsyncService& service_;
  grpc::ServerCompletionQueue& queue_;
  grpc::ServerContext context_;
  IntroduceRequest request_;
  grpc::ServerAsyncResponseWriter<IntroduceResponse> responder_;
  bool is_answered_ = false;
};

int serve(std::map<std::string, std::string>& flags) {
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::InsecureServerCredentials();
  if (flags.count("--cert") != 0) {
    grpc::SslServerCredentialsOptions options;
    options.pem_key_cert_pairs.push_back({content_of(flags["--key"]), content_of(flags["--cert"])});
    credentials = grpc::SslServerCredentials(options);
  }
  Bridge::AsyncService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", credentials, &port);
  builder.RegisterService(&service);
  const auto queue = builder.AddCompletionQueue();
  const auto server = builder.BuildAndStart();
  std::printf("ready %d\n", port);
  std::fflush(stdout);

  std::vector<Contact> members(kMembers);
  for (unsigned number = 0; number < kMembers; ++number) {
    fill(members[number], number, "ws://member.example.org:4000" + std::to_string(number % 10), {});
  }
  std::uint64_t random = 1;
  for (int index = 0; index < 256; ++index) new Call(service, *queue);
  void* tag = nullptr;
  bool is_fine = false;
  while (queue->Next(&tag, &is_fine)) {
    if (is_fine) static_cast<Call*>(tag)->proceed(random, members);
  }
  return 0;
}

// ---- client

struct Question {
  grpc::ClientContext context;
  IntroduceResponse response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<IntroduceResponse>> reader;
  Clock::time_point began;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

double quantile_us(std::vector<std::uint32_t>& times, std::size_t permille) {
  if (times.empty()) return 0;
  const std::size_t place = std::min(times.size() - 1, times.size() * permille / 1000);
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(place), times.end());
  return times[place] / 1e3;
}

int ask(std::map<std::string, std::string>& flags) {
  const auto number_of = [&](const char* name, long otherwise) {
    return flags.count(name) != 0 ? std::strtol(flags[name].c_str(), nullptr, 10) : otherwise;
  };
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  grpc::ChannelArguments arguments;
  if (flags.count("--ca") != 0) {
    credentials = grpc::SslCredentials({content_of(flags["--ca"]), {}, {}});
    arguments.SetSslTargetNameOverride("localhost");
  }
  const auto channel =
      grpc::CreateCustomChannel("127.0.0.1:" + flags["--port"], credentials, arguments);
  const auto stub = Bridge::NewStub(channel);
  grpc::CompletionQueue queue;
  const std::string metadata =
      R"({"nodeType":"bench","protocol":"1.0","region":"eu-central","capabilities":["dht"],)"
      R"("startTime":1732650000000})";
  std::uint64_t asked = 0;
  const auto ask_one = [&] {
    auto* question = new Question;
    IntroduceRequest request;
    fill(*request.mutable_newcomer(), ++asked, "ws://newcomer.example.org:40000/dht", metadata);
    request.set_contacts_max(kWanted);
    request.set_budget_ms(5000);
    question->began = Clock::now();
    question->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
    question->reader = stub->AsyncIntroduce(&question->context, request, &queue);
    question->reader->Finish(&question->response, &question->status, question);
  };
  for (long index = number_of("--in-flight", 128); index > 0; --index) ask_one();

  std::vector<std::uint32_t> times;
  times.reserve(4'000'000);
  const auto warm_until = Clock::now() + std::chrono::milliseconds(number_of("--warm-up-ms", 300));
  const auto run = std::chrono::milliseconds(number_of("--run-ms", 1000));
  Clock::time_point began{};
  double cpu_before = 0;
  double warm_up_answered = 0;
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  void* tag = nullptr;
  bool is_fine = false;
  while (queue.Next(&tag, &is_fine)) {
    const std::unique_ptr<Question> question(static_cast<Question*>(tag));
    const auto now = Clock::now();
    if (began == Clock::time_point{} && now >= warm_until) {
      began = now;
      cpu_before = cpu_seconds();
      warm_up_answered = static_cast<double>(answered);
      answered = failed = 0;
      times.clear();
    }
    ++(question->status.ok() ? answered : failed);
    times.push_back(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(now - question->began).count()));
    if (began != Clock::time_point{} && now - began >= run) break;
    ask_one();
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  std::printf(
      "{\"answered\": %llu, \"failed\": %llu, \"per_second\": %.0f, \"cpu_us\": %.3f, "
      "\"warm_up_share\": %.4f, "
      "\"p50_us\": %.2f, \"p99_us\": %.2f}\n",
      static_cast<unsigned long long>(answered), static_cast<unsigned long long>(failed),
      static_cast<double>(answered) / seconds,
      (cpu_seconds() - cpu_before) * 1e6 /
          static_cast<double>(std::max<std::uint64_t>(1, answered)),
      warm_up_answered / static_cast<double>(std::max<std::uint64_t>(1, answered)),
      quantile_us(times, 500), quantile_us(times, 990));
  std::fflush(stdout);
  std::_Exit(failed == 0 ? 0 : 1);  // what is still in flight is of no interest
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  std::map<std::string, std::string> flags;
  for (int index = 2; index + 1 < argc; index += 2) flags[argv[index]] = argv[index + 1];
  if (mode == "server") return serve(flags);
  if (mode == "client") return ask(flags);
  std::fputs("usage: grpc_echo server|client ...\n", stderr);
  return 2;
}
