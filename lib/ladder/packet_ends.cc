#include "ladder/packet_ends.h"

#include <algorithm>

namespace ringway {
namespace {

/// What a call that is not to wait returned; nothing to be had or no room is none.
unsigned count_of(int result, const char* call) {
  if (result < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
    return 0;
  }
  check_call(result, call);
  return static_cast<unsigned>(result);
}

}  // namespace

FrameBatch::FrameBatch() : bytes_(kBatch * kPlaceBytes) {
  for (unsigned i = 0; i < kBatch; ++i) {
    parts_[i] = {.iov_base = place(i).data(), .iov_len = kPlaceBytes};
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
}

std::span<std::byte> FrameBatch::place(unsigned index) noexcept {
  return std::span(bytes_).subspan(index * kPlaceBytes, kPlaceBytes);
}

SocketEnds::SocketEnds(const Descriptor& source, const Descriptor& sink, const FrameMaker& maker)
    : source_(source.get()), sink_(sink.get()), maker_(maker) {}

unsigned SocketEnds::send(std::uint64_t first, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    sent_.set_bytes(i, maker_.make(sent_.place(i), first + i).size());
  }
  return count_of(sendmmsg(source_, sent_.messages(), count, MSG_DONTWAIT), "sendmmsg");
}

unsigned SocketEnds::receive(FrameCheck& check) {
  const unsigned got = count_of(recvmmsg(sink_, received_.messages(), kBatch, MSG_DONTWAIT, nullptr), "recvmmsg");
  for (unsigned i = 0; i < got; ++i) {
    check.look_at(received_.frame(i));
  }
  return got;
}

}  // namespace ringway
