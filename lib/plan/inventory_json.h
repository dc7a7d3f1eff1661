#pragma once

#include <string>
#include <string_view>

#include "plan/inventory.h"

namespace ringway {

/// The inventory as indented JSON, every field named as in inventory.h.
std::string inventory_to_json(const Inventory& inventory);

/// Reads what inventory_to_json wrote. Throws Error (kConfigInvalid) that names the field when it is not of that form.
Inventory inventory_from_json(std::string_view text);

}  // namespace ringway
