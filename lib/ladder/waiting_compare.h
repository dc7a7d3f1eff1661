#pragma once

#include <string>
#include <vector>

#include "ladder/result.h"

namespace ringway {

/// Ways to wait side by side, at both loads, as columns of text; empty where none ran.
std::string waiting_table(const std::vector<Result>& results);

/// Where each wins, by these results: a sentence a load. None where fewer than two ran.
std::vector<std::string> where_each_wins(const std::vector<Result>& results);

}  // namespace ringway
