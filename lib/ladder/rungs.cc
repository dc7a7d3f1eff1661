#include <iterator>

#include "ladder/rung.h"

namespace ringway {

std::vector<Rung> all_rungs() {
  std::vector<Rung> all;
  for (auto part : {&file_rungs, &process_rungs, &packet_rungs, &waiting_rungs}) {
    std::vector<Rung> rungs = part();
    all.insert(all.end(), std::move_iterator(rungs.begin()), std::move_iterator(rungs.end()));
  }
  return all;
}

}  // namespace ringway
