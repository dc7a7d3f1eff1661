#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <system_error>

#include "ladder/descriptor.h"
#include "ladder/outcome_json.h"
#include "ladder/result.h"

namespace ringway {
namespace {

using Clock = std::chrono::steady_clock;

void put(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written <= 0) {
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// Of a call that this kernel does not have, or does not let this user make.
bool lacking(const std::error_code& error) {
  constexpr int kLacking[] = {EPERM, EACCES, ENOSYS, EOPNOTSUPP, EAFNOSUPPORT, ENOPROTOOPT, EPROTONOSUPPORT};
  return std::ranges::find(kLacking, error.value()) != std::end(kLacking);
}

/// What the rung's process tells: its outcome, or why there is none.
std::string told(const Rung& rung, const Load& load) {
  nlohmann::json message;
  try {
    message["outcome"] = outcome_to_json(rung.run(load));
  } catch (const CannotRun& reason) {
    message["cannot_run"] = reason.what();
  } catch (const std::system_error& error) {
    if (lacking(error.code())) {
      message["cannot_run"] = error.what() + std::string("; this kernel lacks it, or does not allow it to this user");
    } else {
      message["error"] = error.what();
    }
  } catch (const std::exception& error) {
    message["error"] = error.what();
  }
  return message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

[[noreturn]] void be_the_rung(const Rung& rung, const Load& load, Pipe& answer, pid_t parent) {
  setpgid(0, 0);  // what it starts ends with it
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {  // it had ended before
    _exit(1);
  }
  answer.out = Descriptor();
  put(answer.in.get(), told(rung, load));
  _exit(0);
}

/// What comes until the end of the pipe; none: time was up.
std::optional<std::string> read_all(int fd, Clock::time_point deadline) {
  std::string text;
  char buffer[4096];
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    if (left <= 0 || poll(&ready, 1, static_cast<int>(left)) == 0) {
      return {};
    }
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got <= 0) {
      return text;
    }
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

Result failed(const Rung& rung, const std::string& why) {
  return {.rung = &rung, .outcome = {}, .skipped_because = why, .failed = true};
}

Result understand(const Rung& rung, const std::string& text, int status) {
  const auto message = nlohmann::json::parse(text, nullptr, false);
  if (message.is_discarded()) {
    return failed(rung, WIFSIGNALED(status) ? std::string("its process ended by signal ") + strsignal(WTERMSIG(status))
                                            : "its process ended without a word");
  }
  if (message.contains("cannot_run")) {
    return {.rung = &rung, .outcome = {}, .skipped_because = message["cannot_run"], .failed = false};
  }
  if (message.contains("error")) {
    return failed(rung, message["error"]);
  }
  Result result{
      .rung = &rung, .outcome = outcome_from_json(message["outcome"]), .skipped_because = {}, .failed = false};
  result.failed = !result.outcome->verified;
  return result;
}

/// Seconds, for a load of any size.
double patience(double seconds, const Load& load) {
  constexpr double kBytes = 1 << 30;
  constexpr double kPackets = 1e6;
  return seconds * (1 + static_cast<double>(load.bytes) / kBytes + static_cast<double>(load.packets) / kPackets);
}

Result run_child(const Rung& rung, const Load& load, double seconds) {
  Pipe answer;
  const pid_t parent = getpid();
  const pid_t child = check_call(fork(), "fork");
  if (child == 0) {
    be_the_rung(rung, load, answer, parent);
  }
  setpgid(child, child);  // whichever of the two comes first
  answer.in = Descriptor();
  const auto deadline =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  const std::optional<std::string> text = read_all(answer.out.get(), deadline);
  if (!text) {
    kill(-child, SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  kill(-child, SIGKILL);
  if (!text) {
    return failed(rung, "it had not ended after " + std::to_string(static_cast<int>(seconds)) + " s");
  }
  return understand(rung, *text, status);
}

}  // namespace

Result run_apart(const Rung& rung, const Load& load, double seconds) {
  try {
    return run_child(rung, load, patience(seconds, load));
  } catch (const nlohmann::json::exception& error) {
    return failed(rung, std::string("what its process told is no outcome: ") + error.what());
  } catch (const std::exception& error) {
    return failed(rung, error.what());
  }
}

}  // namespace ringway
