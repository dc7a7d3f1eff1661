#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "traffic/capture_reader.h"

namespace {

/// Ends the run and says which rule was broken.
void require(bool holds, const char* rule) {
  if (!holds) {
    std::fprintf(stderr, "broken: %s\n", rule);
    std::abort();
  }
}

}  // namespace

/// Any file is read to its end or to where it is damaged, step by step, and each frame lies in it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) noexcept {
  using ringway::CaptureReader;
  const std::span<const std::byte> file(reinterpret_cast<const std::byte*>(data), size);
  CaptureReader reader(file);
  for (int pass = 0; pass < 2; ++pass) {
    ringway::CapturedFrame frame;
    std::uint64_t before = reader.offset();
    while (reader.next(frame) == CaptureReader::Step::kFrame) {
      require(reader.offset() > before && reader.offset() <= size, "each step goes forward, inside the file");
      const bool inside =
          frame.data >= file.data() && frame.captured <= size && frame.data + frame.captured <= file.data() + size;
      require(inside, "a frame lies in the file");
      before = reader.offset();
    }
    reader.rewind();
  }
  return 0;
}
