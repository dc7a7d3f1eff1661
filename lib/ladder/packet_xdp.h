#pragma once

#include <xdp/xsk.h>

#include <initializer_list>
#include <memory>
#include <span>
#include <string>

#include "ladder/descriptor.h"
#include "ladder/mapping.h"
#include "ladder/packet_flow.h"

namespace ringway {

/// How a socket is bound.
enum class XdpMode { kZeroCopy, kCopy };

/// Chunks of memory that AF_XDP sockets share with the kernel; each holds one frame.
class XdpMemory {
 public:
  static constexpr unsigned kChunkBytes = 2048;
  static constexpr unsigned kChunks = 4 * kWindow;  // all of them fit each ring

  XdpMemory();

  std::span<std::byte> bytes(const xdp_desc& frame) const noexcept {
    return mapping_.bytes().subspan(frame.addr, frame.len);
  }

 private:
  friend class XdpPort;
  struct Delete {
    void operator()(xsk_umem* umem) const noexcept { xsk_umem__delete(umem); }
  };
  Mapping mapping_{std::size_t{kChunks} * kChunkBytes};
  xsk_ring_prod fill_{};  // of the port that is made first
  xsk_ring_cons completed_{};
  std::unique_ptr<xsk_umem, Delete> umem_;
  bool bound_ = false;
};

/// An AF_XDP socket on an interface's queue 0, and with Hears::kAll a program that redirects all frames into it. The
/// program goes with the port.
class XdpPort {
 public:
  /// Ports over one memory are bound as the first. Throws std::system_error; CannotRun where the kernel lets us load no
  /// program.
  XdpPort(XdpMemory& memory, const std::string& interface, XdpMode mode, Hears hears);

  int fd() const noexcept { return xsk_socket__fd(socket_.get()); }

  /// What the kernel says of it.
  bool is_zero_copy() const;

  /// Takes what has come in, as many as fit; a prefix.
  std::span<xdp_desc> receive(std::span<xdp_desc> into) noexcept;
  /// Hands frames to the kernel: a system call, more where it is short of buffers.
  void send(std::span<const xdp_desc> frames);
  /// Takes chunks back that have been sent and gives them to `receiver` to be filled.
  void recycle(XdpPort& receiver) noexcept;
  /// Gives all chunks to the kernel to be filled; once, by the port that receives.
  void fill_all() noexcept;

 private:
  struct Delete {
    void operator()(xsk_socket* socket) const noexcept { xsk_socket__delete(socket); }
  };
  void redirect(const std::string& interface);
  void kick();

  xsk_ring_cons received_{};
  xsk_ring_prod sent_{};
  xsk_ring_prod own_fill_{};
  xsk_ring_cons own_completed_{};
  xsk_ring_prod* fill_ = &own_fill_;
  xsk_ring_cons* completed_ = &own_completed_;
  std::unique_ptr<xsk_socket, Delete> socket_;
  Descriptor map_;
  Descriptor link_;
};

/// What veth adds where a socket is not zero-copy, as a note says it.
inline constexpr const char* kVethCopies =
    "veth copies a frame that has little room in front once more, before its XDP program sees it; a NIC does not: not "
    "counted";

/// Sets the outcome's copies, for frames that come in by the first of the ports and leave by the last.
void describe_copies(Outcome& outcome, std::initializer_list<const XdpPort*> ports);

/// The kernel's answer where it does not bind a socket to the interface without copying; empty: it does. Throws
/// CannotRun where it lets us have no AF_XDP at all.
std::string zero_copy_refusal(const std::string& interface);

/// AF_XDP, without copying where the driver can.
std::unique_ptr<PacketMove> make_packet_xdp();

}  // namespace ringway
