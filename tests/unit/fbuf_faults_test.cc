// A write to a buffer that may not be written to: what is said, and what the process dies of.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>

#include <string>

#include "child.h"
#include "core/errors.h"
#include "fbuf/originator.h"
#include "fbuf/receiver.h"
#include "fbuf/write_faults.h"
#include "fbuf_ends.h"

namespace ringway::fbuf {
namespace {

/// What a process says that writes where it may not, and how it ends; `{}` in the expected text stands for its id.
void expect_death(const std::function<std::string()>& run, int signal, std::string expected) {
  Child child(run);
  const std::string pid = std::to_string(child.pid());
  const std::string said = child.said();
  const int status = child.wait();
  for (std::size_t at = 0; (at = expected.find("{}")) != std::string::npos;) {
    expected.replace(at, 2, pid);
  }
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal) << "waitpid's status " << status;
  EXPECT_EQ(said, expected);
}

/// A write that no compiler takes out or refuses.
void write_to(const void* address) {
  *static_cast<volatile char*>(const_cast<void*>(address)) = 1;
}

// Sanitizers have a handler of their own, which says much and does not die of the signal.
void without_handler() {
  signal(SIGSEGV, SIG_DFL);
}

TEST(FbufFaults, TellsTheOriginatorWhoHasTheBuffer) {
  auto [near, far] = Channel::pair();
  Child reader([&near = near, &far = far]() -> std::string {
    leave(near);
    Receiver receiver(std::move(far));
    pause();
    return "";
  });
  leave(far);
  expect_death(
      [&near = near]() -> std::string {
        const WriteFaultTeller teller;
        Originator originator(4, 2 * kPage);
        const ReceiverId id = originator.attach(std::move(near));
        WritableBuffer written[3];
        originator.take(written);
        const void* const third = &written[2].bytes()[kPage + 7];
        write_to(third);
        originator.hand_over(id, written);
        write_to(third);
        return "was written to\n";
      },
      SIGSEGV,
      "ringway: process {} wrote to fbuf 2 at offset 4103 after it was handed over to process " +
          std::to_string(reader.pid()) +
          ": a buffer is immutable from then on until it comes back; take another one and write there\n");
}

TEST(FbufFaults, TellsOfABufferThatIsBack) {
  expect_death(
      []() -> std::string {
        const WriteFaultTeller teller;
        Originator originator(1, kPage);
        auto [id, receiver] = attach_receiver(originator);
        WritableBuffer written[1];
        originator.take(written);
        const void* const place = written[0].bytes().data();
        originator.hand_over(id, written);
        receiver.reset();
        originator.collect(kSoon);
        write_to(place);
        return "was written to\n";
      },
      SIGSEGV,
      "ringway: process {} wrote to fbuf 0 at offset 0, which is back in the pool: take a buffer before writing\n");
}

TEST(FbufFaults, TellsAReceiverThatItOnlyReads) {
  expect_death(
      []() -> std::string {
        const WriteFaultTeller teller;
        Originator originator(2, kPage);
        auto [id, receiver] = attach_receiver(originator);
        WritableBuffer written[2];
        originator.take(written);
        originator.hand_over(id, std::span(written).subspan(1));
        ReadableBuffer read[1];
        receiver->receive(read);
        write_to(&read[0].content()[5]);
        return "was written to\n";
      },
      SIGSEGV,
      "ringway: process {} wrote to fbuf 1 at offset 5, which process {} handed over to it to read: a receiver cannot "
      "write to a buffer; copy what is to be changed\n");
}

TEST(FbufFaults, DiesOfItWithoutTheTeller) {
  expect_death(
      []() -> std::string {
        without_handler();
        Originator originator(1, kPage);
        auto [id, receiver] = attach_receiver(originator);
        WritableBuffer written[1];
        originator.take(written);
        const void* const place = written[0].bytes().data();
        originator.hand_over(id, written);
        write_to(place);
        return "was written to\n";
      },
      SIGSEGV, "");
}

// Or it could write whatever its parent protects, and read what has long gone back to the pool.
TEST(FbufFaults, AChildHasNoPartInThePool) {
  Originator originator(1, kPage);
  auto [id, receiver] = attach_receiver(originator);
  WritableBuffer written[1];
  ASSERT_EQ(originator.take(written), 1U);
  const void* const place = written[0].bytes().data();
  ASSERT_EQ(originator.hand_over(id, written), 1U);
  ReadableBuffer read[1];
  ASSERT_EQ(receiver->receive(read), 1U);
  for (const void* const address : {place, static_cast<const void*>(read[0].content().data())}) {
    Child child([address]() -> std::string {
      without_handler();
      return *static_cast<const volatile char*>(address) == 0 ? "is there\n" : "is there, and written to\n";
    });
    EXPECT_TRUE(WIFSIGNALED(child.wait()));
    EXPECT_EQ(child.said(), "");
  }
}

/// A page that nobody may touch.
void* foreign_page() {
  return mmap(nullptr, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

TEST(FbufFaults, LeavesForeignFaultsToTheDefault) {
  const std::function<void()> faults[] = {[] { write_to(foreign_page()); }, [] { raise(SIGSEGV); }};
  for (const auto& fault : faults) {
    for (const auto& before : {SIG_DFL, SIG_IGN}) {
      Child child([&]() -> std::string {
        signal(SIGSEGV, before);
        const WriteFaultTeller teller;
        const Originator originator(1, kPage);
        fault();
        return before == SIG_IGN ? "" : "lives on\n";
      });
      const int status = child.wait();
      const bool ignored = before == SIG_IGN && &fault == &faults[1];
      EXPECT_EQ(WIFSIGNALED(status), !ignored);
      EXPECT_EQ(child.said(), "");
    }
  }
}

TEST(FbufFaults, LeavesForeignFaultsToTheEarlierHandler) {
  static void* page = nullptr;
  static int calls = 0;
  Child child([]() -> std::string {
    struct sigaction action {};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = [](int, siginfo_t* info, void*) {
      ++calls;
      mprotect(info->si_addr, kPage, PROT_READ | PROT_WRITE);
    };
    sigaction(SIGSEGV, &action, nullptr);
    page = foreign_page();
    {
      const WriteFaultTeller teller;
      write_to(page);  // is repaired by the handler, and goes on
    }
    write_to(foreign_page());
    signal(SIGSEGV, [](int) { ++calls; });
    const WriteFaultTeller teller;
    raise(SIGSEGV);
    return calls == 3 ? "" : std::to_string(calls) + " calls of the earlier handlers\n";
  });
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(child.said(), "");
}

TEST(FbufFaults, OneTellerAtATime) {
  {
    const WriteFaultTeller teller;
    EXPECT_THROW(WriteFaultTeller(), Error);
  }
  EXPECT_NO_THROW(WriteFaultTeller());
}

}  // namespace
}  // namespace ringway::fbuf
