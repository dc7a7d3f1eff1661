# What Debian 12 must have to build, to run the demo and to test; sourced by tools/demo and tools/test.

BUILD_PACKAGES=(g++ meson ninja-build pkg-config libdpdk-dev libboost-program-options-dev libyaml-cpp-dev
  libbpf-dev libcairo2-dev libgtest-dev nlohmann-json3-dev libpcap-dev libseccomp-dev libcap-ng-dev liburing-dev libxdp-dev)
# Of these, pictures need graphviz; the benches need valgrind and libbenchmark-dev, and are built whenever they are there;
# peers are dpdk-dev's testpmd; NICs need qemu-system-x86 and what follows it, containers podman and what follows it. The
# ladder's page needs chromium-headless-shell, what is set beside it socat, pv and strace; not nginx: its package would start
# a server.
TEST_PACKAGES=(python3 python3-scapy clang lld libclang-rt-14-dev clang-format iproute2 ethtool procps util-linux valgrind
  graphviz libbenchmark-dev dpdk-dev systemd qemu-system-x86 linux-image-amd64 busybox-static cpio kmod podman buildah crun
  netavark iptables podman-compose mmdebstrap python3-yaml python3-kubernetes chromium-headless-shell socat pv strace tshark)

# install_missing PACKAGE... : installs those that are not there, with sudo where not root, and says so.
install_missing() {
  local package missing=()
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  local sudo=()
  if [[ $EUID -ne 0 ]]; then
    if ! command -v sudo > /dev/null; then
      echo "missing; as root: apt-get install --no-install-recommends ${missing[*]}" >&2
      return 1
    fi
    sudo=(sudo)
  fi
  echo "installing: ${sudo[*]} apt-get install --no-install-recommends ${missing[*]}" >&2
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}
