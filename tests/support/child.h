#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <utility>

namespace ringway {

/// A process of its own that runs a function; killed and waited for when nobody else did, and never left behind.
class Child {
 public:
  /// The function's words say what went wrong; the process prints them and ends with 0 where there are none, or else
  /// with 1.
  explicit Child(const std::function<std::string()>& run) {
    std::fflush(nullptr);  // or the child writes it once more
    int ends[2];
    if (pipe(ends) != 0 || (pid_ = fork()) < 0) {
      std::cerr << "no child could be made\n";
      std::abort();
    }
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(ends[1], STDERR_FILENO);
      close(ends[0]);
      close(ends[1]);
      const std::string wrong = run();
      std::cerr << wrong << std::flush;
      _exit(wrong.empty() ? 0 : 1);
    }
    close(ends[1]);
    said_ = ends[0];
  }
  ~Child() {
    if (pid_ > 0) {
      kill();
      wait();
    }
    close(said_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  void kill() const { ::kill(pid_, SIGKILL); }
  /// waitpid(2)'s status. Once.
  int wait() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return status;
  }
  /// All that it and its own children wrote to stderr, until the last of them ends.
  std::string said() const {
    std::string text;
    char part[4096];
    for (ssize_t got = 0; (got = read(said_, part, sizeof part)) > 0;) {
      text.append(part, static_cast<std::size_t>(got));
    }
    return text;
  }

 private:
  pid_t pid_ = -1;
  int said_ = -1;
};

}  // namespace ringway
