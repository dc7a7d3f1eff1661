#include "ladder/rung.h"

namespace ringway {

std::vector<Rung> file_rungs() {
  return {};
}

}  // namespace ringway
