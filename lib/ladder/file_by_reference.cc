#include "ladder/file_by_reference.h"

#include <sys/sendfile.h>

#include "core/errors.h"
#include "ladder/file_call.h"

namespace ringway {

void SendFile::move(std::uint64_t offset, std::uint64_t bytes) {
  auto at = static_cast<off_t>(offset);
  while (bytes > 0) {
    const ssize_t sent = checked(counted(::sendfile, ends_.sockets[0], ends_.file.fd(), &at, bytes), "sendfile");
    if (sent == 0) {
      throw Error(ExitStatus::kFailed,
                  "the file ends at byte " + std::to_string(at) + ": it was cut while it was sent");
    }
    bytes -= static_cast<std::uint64_t>(sent);
  }
}

}  // namespace ringway
