#include "runtime/capture_report.h"

#include <cinttypes>

#include "runtime/print.h"

namespace ringway {

nlohmann::ordered_json to_json(const CaptureTotals& capture) {
  return {{"file", capture.file},     {"matched", capture.matched}, {"written", capture.written},
          {"missed", capture.missed}, {"bytes", capture.bytes},     {"files", capture.files},
          {"error", capture.error}};
}

void print_captures(std::string& text, const char* indent, const std::vector<CaptureTotals>& captures) {
  for (const CaptureTotals& capture : captures) {
    print(text,
          "%scapture %s: %" PRIu64 " packets, %" PRIu64 " written (%" PRIu64 " bytes, %" PRIu64 " files), %" PRIu64
          " missed%s%s\n",
          indent, capture.name.c_str(), capture.matched, capture.written, capture.bytes, capture.files, capture.missed,
          capture.error.empty() ? "" : "; ended: ", capture.error.c_str());
  }
}

}  // namespace ringway
