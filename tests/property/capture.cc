#include "capture.h"

#include "core/errors.h"

namespace ringway {
namespace {

constexpr int kLongest = 262144;  // bytes of a record: what libpcap itself takes

[[noreturn]] void fail(const std::string& path, const std::string& cause) {
  throw Error(ExitStatus::kUsage, path + ": " + cause);
}

}  // namespace

std::vector<Record> read_capture(const std::string& path) {
  char error[PCAP_ERRBUF_SIZE] = "";
  const std::unique_ptr<pcap_t, void (*)(pcap_t*)> file(pcap_open_offline(path.c_str(), error), &pcap_close);
  if (!file) {
    fail(path, error);
  }
  if (pcap_datalink(file.get()) != DLT_EN10MB) {
    fail(path, "is no capture of Ethernet frames");
  }
  std::vector<Record> records;
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  int result = 0;
  while ((result = pcap_next_ex(file.get(), &header, &bytes)) == 1) {
    records.push_back({header->ts, {bytes, bytes + header->caplen}});
  }
  if (result != PCAP_ERROR_BREAK) {
    fail(path, pcap_geterr(file.get()));
  }
  return records;
}

CaptureWriter::CaptureWriter(const std::string& path)
    : path_(path),
      form_(pcap_open_dead(DLT_EN10MB, kLongest), &pcap_close),
      file_(pcap_dump_open(form_.get(), path.c_str()), &pcap_dump_close) {
  if (!file_) {
    fail(path_, pcap_geterr(form_.get()));
  }
}

void CaptureWriter::write(const Record& record) {
  const auto length = static_cast<bpf_u_int32>(record.bytes.size());
  const pcap_pkthdr header{.ts = record.at, .caplen = length, .len = length};
  pcap_dump(reinterpret_cast<u_char*>(file_.get()), &header, record.bytes.data());
}

void CaptureWriter::finish() {
  if (pcap_dump_flush(file_.get()) != 0) {
    fail(path_, "cannot be written");
  }
}

}  // namespace ringway
