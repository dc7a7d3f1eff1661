#pragma once

#include <sys/mman.h>
#include <sys/socket.h>

#include <fstream>
#include <future>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "fbuf/originator.h"
#include "fbuf/receiver.h"

namespace ringway::fbuf {

/// A pool's pages are mapped twice where both ends are in one process.
inline constexpr std::size_t kPage = 4096;
inline constexpr std::chrono::seconds kSoon{5};

/// A receiver in this process.
struct Attached {
  ReceiverId id;
  std::unique_ptr<Receiver> receiver;
};

/// Both speak in the hand-shake, so one of them does in a thread.
inline Attached attach_receiver(Originator& originator, std::pair<Channel, Channel> ends = Channel::pair()) {
  auto receiver = std::async(std::launch::async, [end = std::move(ends.second)]() mutable {
    return std::make_unique<Receiver>(std::move(end));
  });
  const ReceiverId id = originator.attach(std::move(ends.first));
  return {id, receiver.get()};
}

/// A receiver that says what it likes, and what the originator sent to it.
struct RawReceiver {
  ReceiverId id;
  Channel channel;
  File memory;
};

inline RawReceiver attach_raw(Originator& originator) {
  auto [near, far] = Channel::pair();
  const Hello hello;
  far.greet(std::as_bytes(std::span(&hello, 1)));
  const ReceiverId id = originator.attach(std::move(near));
  Grant grant;
  Greeting greeting = far.await_greeting(std::as_writable_bytes(std::span(&grant, 1)), "originator");
  return {id, std::move(far), std::move(greeting.file)};
}

/// Closes this process's copy of an end that another process uses.
inline void leave(Channel& end) {
  const Channel gone = std::move(end);
}

/// Lets few messages wait in the channel, as few as the kernel allows.
inline void make_narrow(const Channel& channel) {
  const int bytes = 1;
  setsockopt(channel.fd(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

/// `INODE OFFSET` of the file's byte at an address: which memory it is, whoever maps it.
inline std::string place_of(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    std::uintptr_t offset = 0;
    char dash = 0;
    std::string rights;
    std::string device;
    std::string inode;
    words >> std::hex >> begin >> dash >> end >> rights >> offset >> device >> inode;
    if (wanted >= begin && wanted < end) {
      return inode + " " + std::to_string(offset + wanted - begin);
    }
  }
  return "nowhere";
}

inline void write_text(const WritableBuffer& buffer, std::string_view text) {
  std::ranges::copy(std::as_bytes(std::span(text)), buffer.bytes().begin());
}

inline std::string text_of(const ReadableBuffer& buffer) {
  const auto content = buffer.content();
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

}  // namespace ringway::fbuf
