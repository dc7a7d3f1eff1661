#include "config/parse_traffic.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "config/characters.h"
#include "config/reader.h"

namespace ringway {
namespace {

constexpr std::uint64_t kMostPackets = 1'000'000'000'000;
constexpr double kMostSeconds = 1e6;
constexpr double kMostRate = 1e9;  // packets a second: above what any port of today takes

constexpr std::string_view kRateForms =
    "max, packets a second such as 500kpps or 1.5Mpps, or a share of the link such as 40%";

/// `12%` or `0.5%`, as 12 or 0.5.
std::optional<double> per_cent(std::string_view text) {
  return text.ends_with('%') ? decimal(text.substr(0, text.size() - 1), 100) : std::nullopt;
}

std::optional<unsigned> frame_size(std::string_view text) {
  return text == "imix" ? std::optional(0U) : whole_number(text, 64, 9000);
}

std::optional<double> seconds(std::string_view text) {
  const auto value = decimal(text, kMostSeconds);
  return value && *value > 0 ? value : std::nullopt;
}

std::optional<Rate> rate_above_zero(std::string_view text) {
  const auto value = rate_of(text);
  return value && (value->unit == Rate::Unit::kMax || value->value > 0) ? value : std::nullopt;
}

}  // namespace

std::optional<double> decimal(std::string_view text, double most) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  const bool padded = text.size() > 1 && text[0] == '0' && text[1] != '.';
  if (!consists_of(text, {kDigits, "."}) || error != std::errc{} || stop != end || padded || value > most) {
    return {};
  }
  return value;
}

std::optional<Rate> rate_of(std::string_view text) {
  if (text == "max") {
    return Rate{};
  }
  if (const auto share = per_cent(text)) {
    return Rate{Rate::Unit::kPercent, *share};
  }
  for (const auto& [unit, times] : {std::pair{"Mpps", 1e6}, {"kpps", 1e3}, {"pps", 1.0}}) {
    if (text.ends_with(unit)) {
      const auto number = decimal(text.substr(0, text.size() - std::string_view(unit).size()), kMostRate);
      return number && *number * times <= kMostRate
                 ? std::optional(Rate{Rate::Unit::kPacketsPerSecond, *number * times})
                 : std::nullopt;
    }
  }
  return {};
}

std::optional<std::uint64_t> packet_count(std::string_view text) {
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  const bool fits = error == std::errc{} && stop == end && text.front() != '0' && count <= kMostPackets;
  return fits ? std::optional(count) : std::nullopt;
}

void read_traffic(const YamlNode& node, TrafficConfig& traffic, Diagnostics& problems) {
  traffic.at = node.key_at;
  read_mapping(node,
               {{"size", scalar_into(traffic.size, "bytes with CRC from 64 to 9000, or imix", frame_size)},
                {"flows", number_into(traffic.flows, 1, 1'000'000)},
                {"ipv6", scalar_into(traffic.ipv6, "a share of the flows such as 25%", per_cent)},
                {"vlans", number_into(traffic.vlans, 0, 4094)},
                {"rate", scalar_into(traffic.rate, kRateForms, rate_above_zero)},
                {"duration", scalar_into(traffic.duration, "seconds above 0, such as 10 or 0.5", seconds)},
                {"packets", scalar_into(traffic.packets, "a whole number from 1 to 1000000000000", packet_count)},
                {"faults", scalar_into(traffic.faults, "a share of the frames such as 1%", per_cent)}},
               problems);
}

}  // namespace ringway
