#include "ladder/packet_xdp.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>

namespace ringway {
namespace {

constexpr int kSendBuffer = 4 << 20;  // for a window of frames; the kernel refuses more of them with EAGAIN

/// libxdp returns errors negated.
void check_library(int result, const std::string& call) {
  errno = -result;
  check_call(result, call);
}

bpf_insn instruction(std::uint8_t code, std::uint8_t to, std::uint8_t from, std::int16_t offset, std::int32_t value) {
  bpf_insn made{};
  made.code = code;
  made.dst_reg = to & 0xfU;
  made.src_reg = from & 0xfU;
  made.off = offset;
  made.imm = value;
  return made;
}

/// Where the program finds the socket of queue 0.
Descriptor new_map() {
  const int map = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "ladder", sizeof(int), sizeof(int), 1, nullptr);
  if (map < 0 && errno == EPERM) {
    throw CannotRun("the kernel lets us load no XDP program; expected root, or CAP_BPF and CAP_NET_ADMIN");
  }
  return {map, "bpf(BPF_MAP_CREATE)"};
}

/// `return bpf_redirect_map(map, context->rx_queue_index, XDP_PASS)`.
Descriptor load_redirect(int map) {
  const bpf_insn program[] = {
      instruction(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, offsetof(xdp_md, rx_queue_index), 0),
      instruction(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map),
      instruction(0, 0, 0, 0, 0),
      instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, XDP_PASS),
      instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map),
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  return {bpf_prog_load(BPF_PROG_TYPE_XDP, "ladder", "Apache-2.0", program, std::size(program), nullptr),
          "bpf(BPF_PROG_LOAD)"};
}

}  // namespace

XdpMemory::XdpMemory() {
  constexpr xsk_umem_config kConfig = {
      .fill_size = kChunks, .comp_size = kChunks, .frame_size = kChunkBytes, .frame_headroom = 0, .flags = 0};
  xsk_umem* umem = nullptr;
  check_library(xsk_umem__create(&umem, mapping_.data(), mapping_.size(), &fill_, &completed_, &kConfig),
                "xsk_umem__create");
  umem_.reset(umem);
}

XdpPort::XdpPort(XdpMemory& memory, const std::string& interface, XdpMode mode, Hears hears) {
  if (!memory.bound_) {
    fill_ = &memory.fill_;
    completed_ = &memory.completed_;
  }
  const xsk_socket_config config = {.rx_size = XdpMemory::kChunks,
                                    .tx_size = XdpMemory::kChunks,
                                    .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
                                    .xdp_flags = 0,
                                    .bind_flags = static_cast<std::uint16_t>(
                                        XDP_USE_NEED_WAKEUP | (mode == XdpMode::kZeroCopy ? XDP_ZEROCOPY : XDP_COPY))};
  xsk_socket* socket = nullptr;
  check_library(xsk_socket__create_shared(&socket, interface.c_str(), 0, memory.umem_.get(), &received_, &sent_, fill_,
                                          completed_, &config),
                "bind(AF_XDP) to " + interface);
  socket_.reset(socket);
  memory.bound_ = true;
  if (setsockopt(fd(), SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof kSendBuffer) != 0) {
    setsockopt(fd(), SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
  }
  if (hears == Hears::kAll) {
    redirect(interface);
  }
}

void XdpPort::redirect(const std::string& interface) {
  map_ = new_map();
  const Descriptor program = load_redirect(map_.get());
  check_library(xsk_socket__update_xskmap(socket_.get(), map_.get()), "bpf(BPF_MAP_UPDATE_ELEM)");
  const auto index = static_cast<int>(if_nametoindex(interface.c_str()));
  link_ = Descriptor(bpf_link_create(program.get(), index, BPF_XDP, nullptr), "bpf(BPF_LINK_CREATE)");
}

bool XdpPort::is_zero_copy() const {
  xdp_options options{};
  socklen_t length = sizeof options;
  check_call(getsockopt(fd(), SOL_XDP, XDP_OPTIONS, &options, &length), "XDP_OPTIONS");
  return (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

std::span<xdp_desc> XdpPort::receive(std::span<xdp_desc> into) noexcept {
  std::uint32_t first = 0;
  const std::uint32_t got = xsk_ring_cons__peek(&received_, static_cast<std::uint32_t>(into.size()), &first);
  for (std::uint32_t i = 0; i < got; ++i) {
    into[i] = *xsk_ring_cons__rx_desc(&received_, first + i);
  }
  xsk_ring_cons__release(&received_, got);
  return into.first(got);
}

void XdpPort::send(std::span<const xdp_desc> frames) {
  std::uint32_t first = 0;
  const auto count = static_cast<std::uint32_t>(frames.size());
  xsk_ring_prod__reserve(&sent_, count, &first);  // has room for all chunks there are
  for (std::uint32_t i = 0; i < count; ++i) {
    *xsk_ring_prod__tx_desc(&sent_, first + i) = frames[i];
  }
  xsk_ring_prod__submit(&sent_, count);
  kick();
}

void XdpPort::kick() {
  while (counted(::sendto, fd(), nullptr, 0, MSG_DONTWAIT, nullptr, 0) < 0) {
    if (errno != EAGAIN && errno != EBUSY && errno != ENOBUFS) {
      check_call(-1, "sendto");
    }
  }
}

void XdpPort::recycle(XdpPort& receiver) noexcept {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  const std::uint32_t count = xsk_ring_cons__peek(completed_, XdpMemory::kChunks, &from);
  xsk_ring_prod__reserve(receiver.fill_, count, &to);  // has room for all chunks there are
  for (std::uint32_t i = 0; i < count; ++i) {
    *xsk_ring_prod__fill_addr(receiver.fill_, to + i) = *xsk_ring_cons__comp_addr(completed_, from + i);
  }
  xsk_ring_prod__submit(receiver.fill_, count);
  xsk_ring_cons__release(completed_, count);
}

void XdpPort::fill_all() noexcept {
  std::uint32_t first = 0;
  xsk_ring_prod__reserve(fill_, XdpMemory::kChunks, &first);
  for (std::uint32_t i = 0; i < XdpMemory::kChunks; ++i) {
    *xsk_ring_prod__fill_addr(fill_, first + i) = std::uint64_t{i} * XdpMemory::kChunkBytes;
  }
  xsk_ring_prod__submit(fill_, XdpMemory::kChunks);
}

void describe_copies(Outcome& outcome, std::initializer_list<const XdpPort*> ports) {
  const auto copying = std::count_if(ports.begin(), ports.end(), [](auto* port) { return !port->is_zero_copy(); });
  outcome.copies_per_byte = 2.0 * static_cast<double>(copying) / static_cast<double>(ports.size());
  outcome.copies_shown_by = copying == 0 ? "the kernel says that the sockets are zero-copy (XDP_OPTIONS)"
                                         : "the kernel says that the sockets are not zero-copy (XDP_OPTIONS): one copy "
                                           "into the shared memory, one out of it";
  if (copying > 0) {
    outcome.notes.push_back(kVethCopies);
  }
}

std::string zero_copy_refusal(const std::string& interface) {
  new_map();
  try {
    XdpMemory memory;
    const XdpPort port(memory, interface, XdpMode::kZeroCopy, Hears::kNothing);
  } catch (const std::system_error& error) {
    return error.what();
  }
  return {};
}

namespace {

class PacketXdp : public PacketMove {
 public:
  PacketXdp() { left_.fill_all(); }

  std::uint64_t move(std::uint64_t packets) override {
    std::uint64_t batches = 0;
    xdp_desc frames[kBatch];
    while (packets > 0) {
      right_.recycle(left_);
      const auto got = left_.receive(std::span(frames).first(std::min<std::uint64_t>(packets, kBatch)));
      if (!got.empty()) {
        right_.send(got);
        packets -= got.size();
        ++batches;
      } else if (!wait()) {
        break;
      }
    }
    return batches;
  }

  void describe(Outcome& outcome) const override {
    describe_copies(outcome, {&left_, &right_});
    if (!refusal_.empty()) {
      outcome.fell_back = "zero copy: " + refusal_ + "; bound with XDP_COPY";
    }
  }

 private:
  /// False: nothing came for too long.
  bool wait() const {
    pollfd ready{.fd = left_.fd(), .events = POLLIN, .revents = 0};
    const auto patience = std::chrono::milliseconds(kPatience).count();
    const int result = counted(::poll, &ready, 1, static_cast<int>(patience));
    check_call(result, "poll");
    return result > 0;
  }

  std::string refusal_ = zero_copy_refusal("left");
  XdpMode mode_ = refusal_.empty() ? XdpMode::kZeroCopy : XdpMode::kCopy;
  XdpMemory memory_;
  XdpPort left_{memory_, "left", mode_, Hears::kAll};
  XdpPort right_{memory_, "right", mode_, Hears::kNothing};
};

}  // namespace

std::unique_ptr<PacketMove> make_packet_xdp() {
  return std::make_unique<PacketXdp>();
}

}  // namespace ringway
