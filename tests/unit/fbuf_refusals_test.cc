// Mistakes of the user, and peers that break the rules.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <filesystem>
#include <string>

#include "core/errors.h"
#include "fbuf/originator.h"
#include "fbuf/receiver.h"
#include "fbuf_ends.h"

namespace ringway::fbuf {
namespace {

/// What the Error says; empty where none is thrown.
template <class Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(FbufRefusals, GeometryThatCannotBe) {
  const std::string expected =
      " cannot be; expected 1 to 32768 buffers, each of a multiple of 4096 bytes (a page) and of 4 GiB at most";
  for (const auto& [buffers, bytes] : {std::pair<unsigned, std::size_t>{0, kPage},
                                       {32769, kPage},
                                       {1, 0},
                                       {1, 100},
                                       {1, kPage + 1},
                                       {2, (std::size_t{1} << 32) + kPage}}) {
    EXPECT_EQ(
        refusal([&] { Originator(buffers, bytes); }),
        "fbuf: a pool of " + std::to_string(buffers) + " buffers of " + std::to_string(bytes) + " bytes" + expected);
  }
}

TEST(FbufRefusals, ASocketOfAnotherKind) {
  const int stream = socket(AF_UNIX, SOCK_STREAM, 0);
  EXPECT_EQ(refusal([&] { Channel{stream}; }),
            "fbuf: descriptor " + std::to_string(stream) +
                " is no channel; expected a connected AF_UNIX socket of type SOCK_SEQPACKET");
  EXPECT_EQ(fcntl(stream, F_GETFD), -1) << "was taken over and must be closed";
}

TEST(FbufRefusals, UseOfABufferThatIsNotHeld) {
  Originator originator(4, kPage);
  Originator another(1, kPage);
  auto [id, receiver] = attach_receiver(originator);
  WritableBuffer written[2];
  const std::string none = "fbuf: this WritableBuffer holds no buffer; it was handed over, moved from or never taken";
  const std::string foreign =
      "fbuf: a WritableBuffer to be handed over holds no buffer of this pool; was it handed over before?";
  EXPECT_EQ(refusal([&] { written[0].bytes(); }), none);
  ASSERT_EQ(originator.take(written), 2U);
  EXPECT_EQ(refusal([&] { written[0].set_content(kPage, 1); }),
            "fbuf: content of 1 bytes at offset 4096 is not inside a buffer of 4096");
  EXPECT_NE(refusal([&] { written[0].set_content(1, SIZE_MAX); }), "");
  ASSERT_EQ(originator.hand_over(id, std::span(written).first(1)), 1U);
  EXPECT_EQ(refusal([&] { written[0].bytes(); }), none);
  EXPECT_EQ(refusal([&] { written[0].set_content(0, 1); }), none);
  EXPECT_EQ(refusal([&] { originator.hand_over(id, written); }), foreign);
  EXPECT_TRUE(written[1]) << "the whole batch is refused";
  WritableBuffer others[1];
  ASSERT_EQ(another.take(others), 1U);
  EXPECT_EQ(refusal([&] { originator.hand_over(id, others); }), foreign);
  EXPECT_EQ(refusal([&] { originator.hand_over(ReceiverId{7}, std::span(written).subspan(1)); }),
            "fbuf: there is no receiver 7; it is gone or never came");
  EXPECT_EQ(originator.census(), (Census{.free = 2, .taken = 1, .handed_over = 1}));
}

TEST(FbufRefusals, ReturningTwice) {
  Originator originator(2, kPage);
  auto [id, receiver] = attach_receiver(originator);
  WritableBuffer written[1];
  ASSERT_EQ(originator.take(written), 1U);
  ASSERT_EQ(originator.hand_over(id, written), 1U);
  ReadableBuffer read[1];
  ASSERT_EQ(receiver->receive(read), 1U);
  read[0].give_back();
  const std::string none = "fbuf: this ReadableBuffer holds no buffer; it was returned, moved from or never received";
  EXPECT_EQ(refusal([&] { read[0].give_back(); }), none);
  EXPECT_EQ(refusal([&] { read[0].content(); }), none);
  EXPECT_EQ(refusal([&] { read[0].sequence(); }), none);
}

/// What a receiver that holds buffers 0 and 1, of hand-overs 1 and 2, sends; another one holds buffer 2, of
/// hand-over 3.
struct BadReturns {
  const char* name;
  std::vector<Return> returns;
  std::size_t bytes;  // of them that are sent
  const char* said;
  unsigned accepted;  // returns that are right, ahead of the wrong one
};

TEST(FbufRefusals, HostileReceivers) {
  const BadReturns cases[] = {
      {"out of range", {{1, 4}}, 16, "returned buffer 4 of a pool of 4", 0},
      {"far out of range", {{1, 0xffffffff}}, 16, "returned buffer 4294967295 of a pool of 4", 0},
      {"free", {{1, 3}}, 16, "returned buffer 3 of hand-over 1, which it does not hold", 0},
      {"another's", {{3, 2}}, 16, "returned buffer 2 of hand-over 3, which it does not hold", 0},
      {"an earlier loan's", {{2, 0}}, 16, "returned buffer 0 of hand-over 2, which it does not hold", 0},
      {"twice", {{1, 0}, {2, 1}, {1, 0}}, 48, "returned buffer 0 of hand-over 1, which it does not hold", 2},
      {"half a return", {{1, 0}, {2, 1}}, 24, "sent a message of 24 bytes, which is no batch", 0},
      {"too many", std::vector<Return>(33), 33 * 16, "sent a message of 528 bytes, which is no batch", 0},
  };
  for (const BadReturns& bad : cases) {
    SCOPED_TRACE(bad.name);
    Originator originator(4, kPage);
    RawReceiver hostile = attach_raw(originator);
    const RawReceiver honest = attach_raw(originator);
    WritableBuffer written[4];
    ASSERT_EQ(originator.take(written), 4U);
    ASSERT_EQ(originator.hand_over(hostile.id, std::span(written).first(2)), 2U);
    ASSERT_EQ(originator.hand_over(honest.id, std::span(written).subspan(2, 1)), 1U);
    written[3] = WritableBuffer();
    hostile.channel.send(std::as_bytes(std::span(bad.returns)).first(bad.bytes));
    auto events = originator.collect();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_FALSE(events[0].gone);
    EXPECT_EQ(events[0].text, "fbuf: receiver 1 (pid " + std::to_string(getpid()) + ") " + bad.said +
                                  "; it gets nothing more, and what it holds comes back when it is gone");
    const Census held{.free = 1 + bad.accepted, .handed_over = 3 - bad.accepted};
    EXPECT_EQ(originator.census(), held);
    // It is told, gets nothing, and is not heard.
    Descriptor batch[kBatch];
    EXPECT_EQ(hostile.channel.receive(std::as_writable_bytes(std::span(batch))).kind, Received::kMessage);
    EXPECT_EQ(hostile.channel.receive(std::as_writable_bytes(std::span(batch))).kind, Received::kGone);
    ASSERT_EQ(originator.take(std::span(written).first(1)), 1U);
    EXPECT_EQ(originator.hand_over(hostile.id, std::span(written).first(1)), 0U);
    written[0] = WritableBuffer();
    const Return right{2, 1};
    EXPECT_EQ(hostile.channel.send(std::as_bytes(std::span(&right, 1))), Sent::kYes);
    EXPECT_TRUE(originator.collect().empty());
    EXPECT_EQ(originator.census(), held);
    leave(hostile.channel);
    events = originator.collect(kSoon);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_TRUE(events[0].gone);
    EXPECT_EQ(originator.census(), (Census{.free = 3, .handed_over = 1}));
  }
}

std::ptrdiff_t open_files() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

TEST(FbufRefusals, ReceiversThatOpenWrongly) {
  Originator originator(2, kPage);
  const auto files = open_files();
  const std::string pid = std::to_string(getpid());
  for (const auto& [hello, bytes, said] :
       {std::tuple{Hello{.magic = 1}, sizeof(Hello), "fbuf: the receiver (pid " + pid + ") is none of version 1"},
        std::tuple{Hello{.version = 2}, sizeof(Hello), "fbuf: the receiver (pid " + pid + ") is none of version 1"},
        std::tuple{
            Hello{}, std::size_t{8},
            "fbuf: the receiver (pid " + pid + ") opened with 8 bytes; expected 16; are both ends of one version?"},
        std::tuple{Hello{}, std::size_t{0}, std::string("fbuf: the receiver is gone before it said anything")}}) {
    auto [near, far] = Channel::pair();
    if (bytes > 0) {
      const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
      far.greet(std::as_bytes(std::span(&hello, 1)).first(bytes), file);  // which is closed at the other end
      close(file);
    } else {
      leave(far);
    }
    EXPECT_EQ(refusal([&end = near, &originator] { originator.attach(std::move(end)); }), said);
  }
  EXPECT_EQ(open_files(), files) << "what came with a message is kept";
  EXPECT_NO_THROW(attach_receiver(originator));
}

/// Originators that say what they like.
class HostileOriginator {
 public:
  HostileOriginator(const Grant& grant, int file) {
    auto [near, far] = Channel::pair();
    near.greet(std::as_bytes(std::span(&grant, 1)), file);
    channel_ = std::make_unique<Channel>(std::move(near));
    said_ = refusal([&far = far, this] { receiver_ = std::make_unique<Receiver>(std::move(far)); });
  }

  const std::string& said() const { return said_; }
  Receiver& receiver() { return *receiver_; }
  void send(std::span<const std::byte> message) { ASSERT_EQ(channel_->send(message), Sent::kYes); }

 private:
  std::unique_ptr<Channel> channel_;
  std::unique_ptr<Receiver> receiver_;
  std::string said_;
};

File sealed(int seals, std::size_t bytes) {
  File file(memfd_create("fbuf test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(ftruncate(file.get(), static_cast<off_t>(bytes)), 0);
  EXPECT_EQ(fcntl(file.get(), F_ADD_SEALS, seals), 0);
  return file;
}

TEST(FbufRefusals, OriginatorsThatOpenWrongly) {
  const int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
  const Grant fine{.buffers = 2, .bytes = kPage};
  const File good = sealed(all, 2 * kPage);
  const File shrinks = sealed(F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL, 2 * kPage);
  const File small = sealed(all, kPage);
  const File plain(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(HostileOriginator(fine, good.get()).said(), "");
  const std::string pid = std::to_string(getpid());
  for (const auto& [grant, file, said] :
       {std::tuple{fine, -1, "file is not there or not of 2 buffers of 4096 bytes"},
        std::tuple{fine, small.get(), "file is not there or not of 2 buffers of 4096 bytes"},
        std::tuple{fine, plain.get(), "file is not there or not of 2 buffers of 4096 bytes"},
        std::tuple{fine, shrinks.get(), "file is not sealed"},
        std::tuple{Grant{.version = 9, .buffers = 2, .bytes = kPage}, good.get(), "is none of version 1"},
        std::tuple{Grant{.buffers = 0, .bytes = kPage}, good.get(), "a pool of 0 buffers"},
        std::tuple{Grant{.buffers = 2, .bytes = 1}, good.get(), "a pool of 2 buffers of 1 bytes"},
        std::tuple{Grant{.buffers = 0x80000000, .bytes = std::size_t{1} << 33}, good.get(), "a pool of"}}) {
    const HostileOriginator originator(grant, file);
    EXPECT_NE(originator.said().find(said), std::string::npos) << said << " is not in: " << originator.said();
  }
}

/// Batches in which only the last descriptor is wrong.
TEST(FbufRefusals, HostileDescriptors) {
  constexpr std::size_t kHuge = SIZE_MAX;
  const File memory = sealed(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL, 4 * kPage);
  struct Case {
    std::vector<Descriptor> batch;
    std::size_t bytes;
    const char* said;
  };
  for (const auto& [batch, bytes, said] :
       {Case{{{2, 0, 1, 1}, {3, 0, 1, 4}}, 64, "handed over buffer 4 of a pool of 4"},
        Case{{{2, 0, kPage + 1, 1}},
             32,
             "handed over buffer 1 with 4097 bytes at offset 0, which is not inside its 4096"},
        Case{{{2, kPage + 1, 0, 1}},
             32,
             "handed over buffer 1 with 0 bytes at offset 4097, which is not inside its 4096"},
        Case{{{2, kHuge, 2, 1}},
             32,
             "handed over buffer 1 with 2 bytes at offset 18446744073709551615, which is not inside its 4096"},
        Case{{{2, 0, 1, 0}}, 32, "handed over buffer 0, which this process holds already"},
        Case{{{2, 0, 1, 1}, {3, 0, 1, 1}}, 64, "handed over buffer 1, which this process holds already"},
        Case{{{1, 0, 1, 1}}, 32, "handed over buffer 1 as number 1 after number 1"},
        Case{{{2, 0, 1, 1}}, 31, "sent a message of 31 bytes, which is no batch"},
        Case{std::vector<Descriptor>(33), 33 * 32, "sent a message of 1056 bytes, which is no batch"}}) {
    SCOPED_TRACE(said);
    HostileOriginator originator({.buffers = 4, .bytes = kPage}, memory.get());
    const Descriptor right{1, kPage - 1, 1, 0};
    originator.send(std::as_bytes(std::span(&right, 1)));
    ReadableBuffer held[1];
    ASSERT_EQ(originator.receiver().receive(held), 1U);
    EXPECT_EQ(held[0].content().size(), 1U);
    originator.send(std::as_bytes(std::span(batch)).first(bytes));
    ReadableBuffer read[4];
    EXPECT_EQ(refusal([&] { originator.receiver().receive(read); }),
              "fbuf: the originator (pid " + std::to_string(getpid()) + ") " + said);
    EXPECT_EQ(originator.receiver().receive(read), 0U);
    EXPECT_TRUE(originator.receiver().originator_gone());
  }
}

}  // namespace
}  // namespace ringway::fbuf
