#include "runtime/write_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "core/errors.h"

namespace ringway {
namespace {

/// Makes a system call again for as long as signals interrupt it.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) {
    result = call();
  }
  return result;
}

/// Writes all of it, however often the kernel takes a part only. 0, or the errno of the call that failed.
int write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t taken = uninterrupted([&] { return write(fd, content.data(), content.size()); });
    if (taken <= 0) {
      return taken < 0 ? errno : EIO;
    }
    content.remove_prefix(static_cast<std::size_t>(taken));
  }
  return 0;
}

/// Opens a file, writes all of it and closes it. 0, or the errno of the first call that failed.
int write_into(const std::string& path, int flags, const std::string& content) {
  const int fd = uninterrupted([&] { return open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0644); });
  if (fd < 0) {
    return errno;
  }
  int error = write_all(fd, content);
  const bool new_file = (flags & O_CREAT) != 0;
  if (error == 0 && new_file && uninterrupted([fd] { return fsync(fd); }) != 0) {
    error = errno;
  }
  if (close(fd) != 0 && error == 0) {
    error = errno;
  }
  return error;
}

void require(int error, const std::string& path) {
  if (error != 0) {
    throw Error(error == EACCES ? ExitStatus::kPermission : ExitStatus::kFailed,
                "cannot write " + path + ": " + std::strerror(error));
  }
}

}  // namespace

void write_atomically(const std::string& name, const std::string& content) {
  namespace fs = std::filesystem;
  std::error_code none;
  if (fs::exists(name, none) && !fs::is_regular_file(name, none)) {
    require(write_into(name, 0, content), name);  // a device or a pipe: nothing may take its place
    return;
  }
  const std::string path = fs::is_symlink(name, none) ? fs::weakly_canonical(name, none).string() : name;
  const std::string temporary = path + ".tmp" + std::to_string(getpid());
  int error = write_into(temporary, O_CREAT | O_EXCL, content);
  if (error == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) {
    error = errno;
  }
  if (error != 0) {
    unlink(temporary.c_str());
  }
  require(error, path);
}

}  // namespace ringway
