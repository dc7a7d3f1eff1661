#include "plan/inventory_json.h"

#include <gtest/gtest.h>

#include "core/errors.h"
#include "inventory_fixtures.h"

namespace ringway {
namespace {

TEST(InventoryJson, RoundTrip) {
  Inventory inventory = two_nic_machine(4, 2);
  inventory.no_huge = true;
  inventory.memory_mib = 77;
  inventory.devices[0].rss_types = 0xffffffffffffffffULL;
  inventory.devices[0].interface = "eth0";
  EXPECT_EQ(inventory_from_json(inventory_to_json(inventory)), inventory);
}

TEST(InventoryJson, NamesWhatIsMissing) {
  try {
    inventory_from_json("{\"lcores\": [{\"id\": 1}]}");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), ExitStatus::kConfigInvalid);
    EXPECT_NE(std::string(error.what()).find("cpus"), std::string::npos) << error.what();
  }
  EXPECT_THROW(inventory_from_json("not json"), Error);
}

}  // namespace
}  // namespace ringway
