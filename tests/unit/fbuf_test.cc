// What fbufs promise to those who keep to the rules: hand-over, way back, immutability, deaths.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "child.h"
#include "core/errors.h"
#include "fbuf/originator.h"
#include "fbuf/receiver.h"
#include "fbuf_ends.h"

namespace ringway::fbuf {
namespace {

TEST(Fbuf, HandsOverAndTakesBack) {
  Originator originator(4, kPage);
  auto [id, receiver] = attach_receiver(originator);
  WritableBuffer written[2];
  ASSERT_EQ(originator.take(written), 2U);
  EXPECT_EQ(originator.census(), (Census{.free = 2, .taken = 2}));
  write_text(written[0], "....first");
  written[0].set_content(4, 5);
  write_text(written[1], "second");
  written[1].set_content(0, 6);
  EXPECT_EQ(originator.hand_over(id, written), 2U);
  EXPECT_FALSE(written[0]);
  EXPECT_EQ(originator.census(), (Census{.free = 2, .handed_over = 2}));

  ReadableBuffer read[4];
  ASSERT_EQ(receiver->receive(read), 2U);
  EXPECT_EQ(text_of(read[0]), "first");
  EXPECT_EQ(text_of(read[1]), "second");
  EXPECT_EQ(read[1].sequence(), read[0].sequence() + 1);
  read[0].give_back();
  receiver->flush();
  EXPECT_TRUE(originator.collect().empty());
  EXPECT_EQ(originator.census(), (Census{.free = 3, .handed_over = 1}));
  EXPECT_EQ(receiver->receive(read), 0U);  // which returns what the elements hold
  EXPECT_TRUE(originator.collect(kSoon).empty());
  EXPECT_EQ(originator.census(), Census{.free = 4});
}

TEST(Fbuf, IsWritableAgainWhenItIsBack) {
  Originator originator(2, 2 * kPage);
  auto [id, receiver] = attach_receiver(originator);
  for (int round = 0; round < 10; ++round) {
    WritableBuffer written[1];
    ASSERT_EQ(originator.take(written), 1U);
    std::ranges::fill(written[0].bytes(), std::byte(round));
    ASSERT_EQ(originator.hand_over(id, written), 1U);
    ReadableBuffer read[1];
    ASSERT_EQ(receiver->receive(read), 1U);
    EXPECT_EQ(std::ranges::count(read[0].content(), std::byte(round)), 2 * static_cast<int>(kPage));
    read[0].give_back();
    receiver->flush();
    originator.collect();
  }
}

// The inode and the offset in it say which memory an address is, in any process.
TEST(Fbuf, TheReceiverReadsTheVeryPages) {
  auto [near, far] = Channel::pair();
  Child child([&near = near, &far = far]() -> std::string {
    leave(near);
    Receiver receiver(std::move(far));
    ReadableBuffer read[3];
    std::string wrong = receiver.receive(read, kSoon) == 3 ? "" : "not all came\n";
    for (const ReadableBuffer& buffer : read) {
      const std::string place = place_of(buffer.content().data());
      wrong += text_of(buffer).starts_with(place + ".") ? "" : text_of(buffer) + " is at " + place + "\n";
    }
    return wrong;
  });
  leave(far);
  Originator originator(8, kPage);
  const ReceiverId id = originator.attach(std::move(near));
  WritableBuffer written[3];
  ASSERT_EQ(originator.take(written), 3U);
  std::swap(written[0], written[2]);
  for (const WritableBuffer& buffer : written) {
    const std::string place = place_of(buffer.bytes().data());
    ASSERT_NE(place.substr(0, 2), "0 ");
    write_text(buffer, place + ".");
  }
  EXPECT_EQ(originator.hand_over(id, written), 3U);
  EXPECT_EQ(child.wait(), 0);
  EXPECT_EQ(child.said(), "");
}

TEST(Fbuf, NoReceiverCanEverWrite) {
  Originator originator(2, kPage);
  const RawReceiver peer = attach_raw(originator);
  const int memory = peer.memory.get();
  const int again = open(("/proc/self/fd/" + std::to_string(memory)).c_str(), O_RDWR | O_CLOEXEC);
  for (const int fd : {memory, again}) {
    ASSERT_GE(fd, 0);
    const auto refused = [](auto result, int error) { return static_cast<long>(result) == -1 && errno == error; };
    EXPECT_TRUE(refused(reinterpret_cast<long>(mmap(nullptr, kPage, PROT_WRITE, MAP_SHARED, fd, 0)), EPERM));
    void* const readable = mmap(nullptr, kPage, PROT_READ, MAP_SHARED, fd, 0);
    ASSERT_NE(readable, MAP_FAILED);
    EXPECT_TRUE(refused(mprotect(readable, kPage, PROT_READ | PROT_WRITE), EACCES));
    EXPECT_TRUE(refused(pwrite(fd, "x", 1, 0), EPERM));
    EXPECT_TRUE(refused(ftruncate(fd, 0), EPERM));
    EXPECT_TRUE(refused(ftruncate(fd, 3 * kPage), EPERM));
    EXPECT_TRUE(refused(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kPage), EPERM));
    EXPECT_TRUE(refused(madvise(readable, kPage, MADV_REMOVE), EACCES));
    EXPECT_TRUE(refused(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM));
    munmap(readable, kPage);
    close(fd == again ? again : -1);
  }
}

TEST(Fbuf, GivesWhatThereIsAndNoMore) {
  Originator originator(40, kPage);
  auto [id, receiver] = attach_receiver(originator);
  WritableBuffer written[50];
  ASSERT_EQ(originator.take(written), 40U);
  std::set<const void*> places;
  for (const WritableBuffer& buffer : std::span(written).first(40)) {
    places.insert(buffer.bytes().data());
  }
  EXPECT_EQ(places.size(), 40U);
  EXPECT_FALSE(written[40]);
  WritableBuffer more[1];
  EXPECT_EQ(originator.take(more), 0U);
  EXPECT_EQ(originator.hand_over(id, std::span(written).first(40)), 40U);
  EXPECT_EQ(originator.take(more), 0U);
  ReadableBuffer read[50];
  EXPECT_EQ(receiver->receive(read), kBatch);
  read[7].give_back();
  receiver->flush();
  originator.collect();
  EXPECT_EQ(originator.take(more), 1U);
}

TEST(Fbuf, ABatchIsOneMessage) {
  Originator originator(2 * kBatch, kPage);
  RawReceiver peer = attach_raw(originator);
  WritableBuffer written[2 * kBatch];
  ASSERT_EQ(originator.take(written), 2 * kBatch);
  ASSERT_EQ(originator.hand_over(peer.id, written), 2 * kBatch);
  Descriptor batch[kBatch];
  for (const auto kind : {Received::kMessage, Received::kMessage, Received::kNothing}) {
    EXPECT_EQ(peer.channel.receive(std::as_writable_bytes(std::span(batch))).kind, kind);
  }
}

TEST(Fbuf, KeepsWhatTheReceiverHasNoRoomFor) {
  auto ends = Channel::pair();
  make_narrow(ends.first);
  Originator originator(200, kPage);
  auto [id, receiver] = attach_receiver(originator, std::move(ends));
  WritableBuffer written[200];
  ASSERT_EQ(originator.take(written), 200U);
  unsigned sent = 0;
  while (sent < 200 && originator.hand_over(id, std::span(written).subspan(sent, 1)) == 1) {
    ++sent;
  }
  ASSERT_GT(sent, 0U);
  ASSERT_LT(sent, 200U);
  write_text(written[sent], "still mine");
  unsigned got = 0;
  for (ReadableBuffer read[1]; receiver->receive(read) == 1;) {
    ++got;
  }
  EXPECT_EQ(got, sent);
  EXPECT_EQ(originator.hand_over(id, std::span(written).subspan(sent, 1)), 1U);
}

// Both wait for one another then, and the receiver's returns do not fit into the channel at once.
TEST(Fbuf, ReturnsWhatTheOriginatorHadNoRoomFor) {
  auto ends = Channel::pair();
  make_narrow(ends.second);
  Originator originator(200, kPage);
  auto [id, receiver] = attach_receiver(originator, std::move(ends));
  WritableBuffer written[200];
  ASSERT_EQ(originator.take(written), 200U);
  ASSERT_EQ(originator.hand_over(id, written), 200U);
  std::vector<ReadableBuffer> held;
  for (ReadableBuffer read[kBatch]; receiver->receive(read) > 0;) {
    std::ranges::move(read, std::back_inserter(held));
  }
  for (ReadableBuffer& buffer : held) {
    buffer = ReadableBuffer();
    receiver->flush();
  }
  originator.collect();
  ASSERT_LT(originator.census().free, 200U);
  auto waiting = std::async(std::launch::async, [&receiver = receiver] {
    ReadableBuffer read[1];
    return receiver->receive(read, kSoon);
  });
  while (originator.census().free < 200 && waiting.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    originator.collect(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(originator.census(), Census{.free = 200});
  WritableBuffer last[1];
  ASSERT_EQ(originator.take(last), 1U);
  ASSERT_EQ(originator.hand_over(id, last), 1U);
  EXPECT_EQ(waiting.get(), 1U);
}

TEST(Fbuf, EachReceiverGetsItsOwn) {
  Originator originator(4, kPage);
  auto [first, one] = attach_receiver(originator);
  auto [second, two] = attach_receiver(originator);
  EXPECT_NE(first, second);
  WritableBuffer written[2];
  ASSERT_EQ(originator.take(written), 2U);
  write_text(written[0], "one");
  written[0].set_content(0, 3);
  write_text(written[1], "two");
  written[1].set_content(0, 3);
  EXPECT_EQ(originator.hand_over(second, std::span(written).subspan(1)), 1U);
  EXPECT_EQ(originator.hand_over(first, std::span(written).first(1)), 1U);
  ReadableBuffer read[2];
  ASSERT_EQ(one->receive(std::span(read).first(1)), 1U);
  ASSERT_EQ(two->receive(std::span(read).subspan(1)), 1U);
  EXPECT_EQ(text_of(read[0]) + text_of(read[1]), "onetwo");
  read[0] = ReadableBuffer();
  one.reset();
  const auto events = originator.collect(kSoon);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].receiver, first);
  EXPECT_EQ(originator.census(), (Census{.free = 3, .handed_over = 1}));
}

TEST(Fbuf, TakesBackWhatADeadReceiverHeld) {
  Originator originator(4, kPage);
  auto [near, far] = Channel::pair();
  Child child([&near = near, &far = far]() -> std::string {
    leave(near);
    Receiver receiver(std::move(far));
    ReadableBuffer read[2];
    receiver.receive(read, kSoon);
    raise(SIGSTOP);
    return "";
  });
  leave(far);
  const ReceiverId id = originator.attach(std::move(near));
  WritableBuffer written[4];
  ASSERT_EQ(originator.take(written), 4U);
  ASSERT_EQ(originator.hand_over(id, std::span(written).first(2)), 2U);
  ASSERT_EQ(originator.hand_over(id, std::span(written).subspan(2, 1)), 1U);
  waitpid(child.pid(), nullptr, WUNTRACED);
  child.kill();
  const pid_t pid = child.pid();
  EXPECT_TRUE(WIFSIGNALED(child.wait()));
  const auto events = originator.collect(kSoon);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(events[0].gone);
  EXPECT_EQ(events[0].pid, pid);
  EXPECT_EQ(events[0].taken_back, 3U);
  EXPECT_EQ(events[0].text, "fbuf: receiver 1 (pid " + std::to_string(pid) + ") is gone; buffers taken back: 3");
  EXPECT_EQ(originator.census(), (Census{.free = 3, .taken = 1}));
  EXPECT_THROW(originator.hand_over(id, std::span(written).subspan(3)), Error);

  auto [next, receiver] = attach_receiver(originator);
  ASSERT_EQ(originator.take(std::span(written).first(3)), 3U);
  EXPECT_EQ(originator.hand_over(next, written), 4U);
  ReadableBuffer read[4];
  EXPECT_EQ(receiver->receive(read), 4U);
}

TEST(Fbuf, OutlivesItsOriginator) {
  auto [near, far] = Channel::pair();
  Child child([&near = near, &far = far]() -> std::string {
    leave(far);
    Originator originator(4, kPage);
    const ReceiverId id = originator.attach(std::move(near));
    WritableBuffer written[3];
    originator.take(written);
    for (unsigned i = 0; i < 3; ++i) {
      write_text(written[i], "testament");
      originator.hand_over(id, std::span(written).subspan(i, 1));
    }
    raise(SIGSTOP);
    return "";
  });
  leave(near);
  Receiver receiver(std::move(far));
  EXPECT_EQ(receiver.originator(), child.pid());
  waitpid(child.pid(), nullptr, WUNTRACED);
  ReadableBuffer first[1];
  ASSERT_EQ(receiver.receive(first, kSoon), 1U);
  {
    ReadableBuffer returned[1];
    ASSERT_EQ(receiver.receive(returned, kSoon), 1U);
  }
  receiver.flush();  // which the originator leaves unread
  ReadableBuffer last[1];
  EXPECT_FALSE(receiver.originator_gone());
  child.kill();
  child.wait();
  ASSERT_EQ(receiver.receive(last, kSoon), 1U);
  ReadableBuffer none[1];
  EXPECT_EQ(receiver.receive(none, kSoon), 0U);
  EXPECT_TRUE(receiver.originator_gone());
  EXPECT_TRUE(text_of(first[0]).starts_with("testament"));
  EXPECT_TRUE(text_of(last[0]).starts_with("testament"));
  EXPECT_NO_THROW(first[0].give_back());
}

}  // namespace
}  // namespace ringway::fbuf
