#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "core/errors.h"
#include "ladder/outcome_json.h"
#include "ladder/result.h"

namespace ringway {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  Pipe() {
    if (pipe2(ends, O_CLOEXEC) != 0) {
      throw std::system_error(errno, std::generic_category(), "pipe2");
    }
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void close_end(std::size_t end) {
    if (ends[end] >= 0) {
      close(std::exchange(ends[end], -1));
    }
  }

  int ends[2] = {-1, -1};
};

void put(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written <= 0) {
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// What the rung's process tells: its outcome, or why there is none.
std::string told(const Rung& rung, const Load& load) {
  nlohmann::json message;
  try {
    message["outcome"] = outcome_to_json(rung.run(load));
  } catch (const CannotRun& reason) {
    message["cannot_run"] = reason.what();
  } catch (const std::exception& error) {
    message["error"] = error.what();
  }
  return message.dump();
}

[[noreturn]] void be_the_rung(const Rung& rung, const Load& load, Pipe& answer) {
  setpgid(0, 0);  // what it starts ends with it
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  answer.close_end(0);
  put(answer.ends[1], told(rung, load));
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

}  // namespace

Result run_apart(const Rung& rung, const Load& load, double seconds) {
  Pipe answer;
  const pid_t child = fork();
  if (child < 0) {
    return failed(rung, std::string("fork: ") + std::strerror(errno));
  }
  if (child == 0) {
    be_the_rung(rung, load, answer);
  }
  setpgid(child, child);  // whichever of the two comes first
  answer.close_end(1);
  const auto deadline =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  const std::optional<std::string> text = read_all(answer.ends[0], deadline);
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

}  // namespace ringway
