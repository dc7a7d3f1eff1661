#include "ladder/forwarder.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "core/errors.h"
#include "ladder/memory_file.h"
#include "ladder/rung.h"

namespace ringway {
namespace {

constexpr std::chrono::seconds kStart{30};
constexpr int kStopMs = 20000;
constexpr int kNoProgram = 127;  // as shells have it

[[noreturn]] void become(const std::string& program, const std::string& config, int output, int errors) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(output, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  execlp(program.c_str(), program.c_str(), "--config", config.c_str(), "--format", "json", nullptr);
  _exit(kNoProgram);
}

unsigned count_of(const std::string& text, const std::string& word) {
  unsigned count = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

Forwarder::Forwarder(const std::string& program, const std::string& config)
    : config_(memory_file(config)), output_(memory_file("")), errors_(memory_file("")) {
  const std::string path = path_of(config_);
  process_ = fork();
  check_call(process_, "fork");
  if (process_ == 0) {
    become(program, path, output_.get(), errors_.get());
  }
  ended_ = Descriptor(static_cast<int>(syscall(SYS_pidfd_open, process_, 0)), "pidfd_open");
}

Forwarder::~Forwarder() {
  if (!waited_for_) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
}

std::string Forwarder::said() const {
  std::istringstream lines(text_of(errors_));
  std::string last = "it said nothing";
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("ringway: ", 0) == 0) {  // not a driver's
      last = line;
    }
  }
  return last;
}

void Forwarder::wait_until_forwarding(unsigned ports) {
  const auto deadline = std::chrono::steady_clock::now() + kStart;
  while (count_of(text_of(errors_), "': link ") < ports) {
    if (has_ended(1)) {
      tell_why_not(wait());
    }
    if (std::chrono::steady_clock::now() > deadline) {
      throw Error(ExitStatus::kFailed, "it does not begin to forward: " + said());
    }
  }
}

int Forwarder::wait() {
  int status = 0;
  waitpid(process_, &status, 0);
  waited_for_ = true;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void Forwarder::tell_why_not(int status) const {
  const auto is = [status](ExitStatus known) { return status == static_cast<int>(known); };
  if (status == kNoProgram) {
    throw CannotRun("there is no program to start as ringway; --ringway names it");
  }
  if (is(ExitStatus::kResourceMissing) || is(ExitStatus::kPermission)) {
    throw CannotRun("it does not start: " + said());
  }
  throw Error(ExitStatus::kFailed, "it does not start: " + said());
}

std::vector<std::filesystem::path> Forwarder::threads(const std::string& name) const {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(process_) + "/task")) {
    std::string called;
    std::getline(std::ifstream(entry.path() / "comm"), called);
    if (name.empty() || called == name) {
      found.push_back(entry.path());
    }
  }
  return found;
}

bool Forwarder::has_ended(int milliseconds) {
  pollfd ended{.fd = ended_.get(), .events = POLLIN, .revents = 0};
  return poll(&ended, 1, milliseconds) > 0;
}

nlohmann::json Forwarder::stop() {
  if (!has_ended(0)) {
    kill(process_, SIGTERM);
  }
  if (!has_ended(kStopMs)) {
    throw Error(ExitStatus::kFailed, "it does not stop: " + said());
  }
  const int status = wait();
  const auto report = nlohmann::json::parse(text_of(output_), nullptr, false);
  if (status != 0 || report.is_discarded()) {
    throw Error(ExitStatus::kFailed, "it did not end clean: " + said());
  }
  return report;
}

}  // namespace ringway
