#include "plan/inventory_json.h"

#include <nlohmann/json.hpp>

#include "core/errors.h"

namespace ringway {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(LcoreFacts, id, cpus, socket, core, main)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(DeviceFacts, device, driver, socket, max_rx_queues, max_tx_queues,
                                   min_rx_descriptors, max_rx_descriptors, rx_descriptor_align, min_tx_descriptors,
                                   max_tx_descriptors, tx_descriptor_align, mtu, min_mtu, max_mtu, interface, scatter,
                                   multi_segs, fast_free, rss_types, rss_hash, held_mbufs)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(HugepageFacts, socket, page_kib, total, free)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Inventory, lcores, devices, hugepages, no_huge, memory_mib)

std::string inventory_to_json(const Inventory& inventory) {
  return nlohmann::json(inventory).dump(2) + '\n';
}

Inventory inventory_from_json(std::string_view text) {
  try {
    return nlohmann::json::parse(text).get<Inventory>();
  } catch (const nlohmann::json::exception& error) {
    throw Error(ExitStatus::kConfigInvalid, std::string("the inventory is not one: ") + error.what() +
                                                "; expected a file that --save-inventory wrote");
  }
}

}  // namespace ringway
