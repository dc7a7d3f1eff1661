#include "fbuf/write_faults.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "core/errors.h"

namespace ringway::fbuf {
namespace {

std::array<std::atomic<const Territory*>, 64> territories{};
std::atomic<bool> telling{false};
struct sigaction earlier {};  // written before the handler that reads it is installed

/// A line put together without allocation or locale, as a signal handler must. What does not fit is left out.
class Line {
 public:
  Line& operator<<(std::string_view text) {
    for (const char letter : text.substr(0, sizeof letters_ - used_)) {
      letters_[used_++] = letter;
    }
    return *this;
  }
  Line& operator<<(std::uint64_t number) {
    char digits[20];
    std::size_t first = sizeof digits;
    do {
      digits[--first] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number > 0);
    return *this << std::string_view(digits + first, sizeof digits - first);
  }
  Line& operator<<(pid_t process) { return *this << static_cast<std::uint64_t>(process); }

  void print() const { [[maybe_unused]] const ssize_t told = write(STDERR_FILENO, letters_, used_); }

 private:
  char letters_[400];
  std::size_t used_ = 0;
};

void tell(const Territory& territory, std::size_t distance) {
  const std::size_t index = distance / territory.geometry.bytes;
  Line line;
  line << "ringway: process " << getpid() << " wrote to fbuf " << index << " at offset "
       << distance % territory.geometry.bytes;
  if (territory.readers == nullptr) {
    line << ", which process " << territory.originator
         << " handed over to it to read: a receiver cannot write to a buffer; copy what is to be changed\n";
  } else if (const pid_t reader = territory.readers[index].load(std::memory_order_relaxed); reader != 0) {
    line << " after it was handed over to process " << reader
         << ": a buffer is immutable from then on until it comes back; take another one and write there\n";
  } else {
    line << ", which is back in the pool: take a buffer before writing\n";
  }
  line.print();
}

/// Whether the address is one of ours; then it has been told.
bool told(const void* address) {
  for (const auto& known : territories) {
    const Territory* const territory = known.load();
    if (territory == nullptr) {
      continue;
    }
    // Below the beginning the difference wraps round to far more than any pool's size.
    const std::size_t distance =
        reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(territory->begin);
    if (distance < territory->geometry.total()) {
      tell(*territory, distance);
      return true;
    }
  }
  return false;
}

/// The default action, at the latest when the handler returns: the instruction faults again, a signal that somebody
/// sent is sent again.
void die(const siginfo_t& info) {
  signal(SIGSEGV, SIG_DFL);
  if (info.si_code <= 0) {
    raise(SIGSEGV);
  }
}

void handle(int number, siginfo_t* info, void* context) {
  const int error = errno;
  // Only the kernel's own signals have an address.
  const bool ours = info->si_code > 0 && told(info->si_addr);
  const bool passed_on = !ours && earlier.sa_handler != SIG_DFL && earlier.sa_handler != SIG_IGN;
  if (passed_on && (earlier.sa_flags & SA_SIGINFO) != 0) {
    earlier.sa_sigaction(number, info, context);
  } else if (passed_on) {
    earlier.sa_handler(number);
  } else if (info->si_code > 0 || earlier.sa_handler == SIG_DFL) {
    die(*info);  // the kernel does not let a fault be ignored
  }
  errno = error;
}

}  // namespace

Known::Known(const Territory& territory) : territory_(territory), place_(0) {
  for (; place_ < territories.size(); ++place_) {
    const Territory* none = nullptr;
    if (territories[place_].compare_exchange_strong(none, &territory_)) {
      return;
    }
  }
  throw Error(ExitStatus::kFailed,
              "fbuf: a process has at most " + std::to_string(territories.size()) + " pools and receivers at a time");
}

Known::~Known() {
  territories[place_] = nullptr;
}

WriteFaultTeller::WriteFaultTeller() {
  if (telling.exchange(true)) {
    throw Error(ExitStatus::kFailed, "fbuf: write faults are told already; expected one WriteFaultTeller in a process");
  }
  sigaction(SIGSEGV, nullptr, &earlier);
  struct sigaction action {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | (earlier.sa_flags & (SA_NODEFER | SA_RESTART));
  action.sa_mask = earlier.sa_mask;
  sigaction(SIGSEGV, &action, nullptr);
}

WriteFaultTeller::~WriteFaultTeller() {
  struct sigaction now {};
  sigaction(SIGSEGV, nullptr, &now);
  if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == handle) {
    sigaction(SIGSEGV, &earlier, nullptr);
    telling = false;
  }
}

}  // namespace ringway::fbuf
