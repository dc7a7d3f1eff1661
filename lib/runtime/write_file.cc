#include "runtime/write_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include "core/errors.h"
#include "core/text.h"

namespace ringway {
namespace {

namespace fs = std::filesystem;

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

int open_file(const std::string& path, int flags) {
  return uninterrupted([&] { return open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0644); });
}

[[noreturn]] void fail(const std::string& path, int error) {
  const bool denied = error == EACCES || error == EPERM || error == EROFS;
  const bool misnamed = error == ENOENT || error == ENOTDIR || error == EISDIR;
  throw Error(denied     ? ExitStatus::kPermission
              : misnamed ? ExitStatus::kUsage
                         : ExitStatus::kFailed,
              "cannot write " + path + ": " + std::strerror(error) +
                  (denied     ? "; expected a folder that this user may write to"
                   : misnamed ? "; expected the name of a file in a folder that is there"
                              : ""));
}

void close_if_open(int fd) {
  if (fd >= 0) {
    close(fd);
  }
}

/// Whether a file of that name can be put into its folder, in the place of what has it now, by a process without
/// capabilities. When in doubt, no.
bool may_replace(const std::string& path) {
  struct stat folder {};
  struct stat file {};
  if (stat(folder_of(path).c_str(), &folder) != 0) {
    return false;
  }
  const bool own_folder = folder.st_uid == geteuid();
  const mode_t may_write = own_folder ? S_IWUSR : folder.st_gid == getegid() ? S_IWGRP : S_IWOTH;
  const bool own_files_only = (folder.st_mode & S_ISVTX) != 0 && !own_folder;
  const bool foreign = stat(path.c_str(), &file) == 0 && file.st_uid != geteuid();
  return (folder.st_mode & may_write) != 0 && !(own_files_only && foreign);
}

}  // namespace

ResultFile::ResultFile(const std::string& name) : path_(name) {
  std::error_code none;
  const bool there = fs::exists(name, none);
  if (!there || fs::is_regular_file(name, none)) {
    if (const fs::path target = fs::weakly_canonical(name, none); fs::is_symlink(name, none) && !target.empty()) {
      path_ = target.string();
    }
    if (may_replace(path_)) {
      fd_ = open_file(folder_of(path_), O_TMPFILE);
      folder_ = fd_ >= 0 ? open(folder_of(path_).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    }
  }
  if (folder_ < 0) {
    close_if_open(fd_);
    fd_ = open_file(path_, there ? 0 : O_CREAT);
  }
  if (fd_ < 0) {
    fail(path_, errno);
  }
}

ResultFile::~ResultFile() {
  close_if_open(fd_);
  close_if_open(folder_);
}

void ResultFile::write(const std::string& content) {
  struct stat file {};
  const bool regular = fstat(fd_, &file) == 0 && S_ISREG(file.st_mode);
  int error = regular && ftruncate(fd_, 0) != 0 ? errno : write_all(fd_, content);
  if (error == 0 && regular && uninterrupted([this] { return fsync(fd_); }) != 0) {
    error = errno;
  }
  if (error == 0 && folder_ >= 0) {
    error = put_in_place();
  }
  if (close(std::exchange(fd_, -1)) != 0 && error == 0) {
    error = errno;
  }
  if (error != 0) {
    fail(path_, error);
  }
}

/// Names the file, by way of another name, since a link takes no file's place. 0, or the errno of the call that failed.
int ResultFile::put_in_place() const {
  const std::string name = fs::path(path_).filename();
  const std::string temporary = name + ".tmp" + std::to_string(getpid());
  const std::string own = "/proc/self/fd/" + std::to_string(fd_);
  if (linkat(AT_FDCWD, own.c_str(), folder_, temporary.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    return errno;
  }
  if (renameat(folder_, temporary.c_str(), folder_, name.c_str()) != 0) {
    const int error = errno;
    unlinkat(folder_, temporary.c_str(), 0);
    return error;
  }
  return 0;
}

}  // namespace ringway
