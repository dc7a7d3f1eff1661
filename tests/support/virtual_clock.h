#pragma once

#include <sys/prctl.h>
#include <ucontext.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace ringway {

/// A TSC that stands still until a test moves it on, so that packets that wait for room wait equally long in every run.
/// The kernel traps the instruction (prctl(2), PR_SET_TSC) and a signal handler answers it. One at a time.
class VirtualClock {
 public:
  VirtualClock() {
    now_ = 1;
    struct sigaction action {};
    action.sa_sigaction = answer;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, &previous_);
  }
  ~VirtualClock() { sigaction(SIGSEGV, &previous_, nullptr); }
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;

  void advance(std::uint64_t cycles) noexcept { now_ += cycles; }
  std::uint64_t now() const noexcept { return now_; }

  /// While it lives, this thread reads the virtual TSC. Nothing in between may ask for the time: the C library reads
  /// the TSC, too.
  class Reading {
   public:
    Reading() { set(PR_TSC_SIGSEGV); }
    ~Reading() { prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0); }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

   private:
    static void set(unsigned long mode) {
      if (prctl(PR_SET_TSC, mode, 0, 0, 0) != 0) {
        throw std::runtime_error(std::string("prctl(PR_SET_TSC): ") + std::strerror(errno));
      }
    }
  };

 private:
  static void answer(int, siginfo_t*, void* context) {
    greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    const auto* at = reinterpret_cast<const std::uint8_t*>(registers[REG_RIP]);
    if (at[0] != 0x0f || at[1] != 0x31) {  // not rdtsc: a real fault, met again by whoever handled them before
      sigaction(SIGSEGV, &previous_, nullptr);
      return;
    }
    registers[REG_RAX] = static_cast<greg_t>(now_ & UINT32_MAX);
    registers[REG_RDX] = static_cast<greg_t>(now_ >> 32U);
    registers[REG_RIP] += 2;
  }

  static inline std::uint64_t now_ = 1;
  static inline struct sigaction previous_ {};
};

}  // namespace ringway
