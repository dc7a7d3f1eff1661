#include "ladder/file_veth.h"

#include "ladder/network.h"

namespace ringway {

VethPair::VethPair() {
  become_able();
  far_ = new_network();
  near_ = new_network();
  run_ip("link add near type veth peer name far netns " + path_of(far_) +
         "\naddress add 10.77.0.1/24 dev near\nlink set near up\n");
  in_far([] { run_ip(std::string("address add ") + kFarAddress + "/24 dev far\nlink set far up\n"); });
}

void VethPair::in_far(const std::function<void()>& what) const {
  enter_network(far_);
  try {
    what();
  } catch (...) {
    enter_network(near_);
    throw;
  }
  enter_network(near_);
}

}  // namespace ringway
