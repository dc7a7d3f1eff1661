#!/usr/bin/env python3
"""The image, every command of docker/README.md, the lab of two hosts and the Kubernetes manifest, with podman in the
place of Docker (tools/lab/containers). Images are built once, and all of it is removed at the end."""

import contextlib
import importlib.util
import json
import os
import pathlib
import random
import re
import shlex
import subprocess
import sys
import time

from contained import (BUILD_S, FOLDER, KEPT, LAB, ROOT, USER, Container, check_confined, commands, engine, from_readme,
                       image, remove, run_so_far, shell)
from harness import (AS_NOBODY, LAB_SHAPES, Skip, check_balance, check_status, check_traffic, hugepages, lab, main,
                     run, test, unprivileged, write_config)
from machine import reserved_hugepages
from rig import Host, Rig, check_exchange, exchange, need_af_xdp, numbered_frames, random_ways

if importlib.util.find_spec("kubernetes"):
    import yaml

    import kubernetes_models

HUGEPAGES_WANTED = 128  # 256 MiB


def models():
    return None if importlib.util.find_spec("kubernetes") else "python3-kubernetes is not installed"


def check_forwards(rig, container, count=1000):
    """Frames both ways, all of them, in order; and the balance at the end."""
    ways = random_ways(rig, count)
    check_exchange(ways, exchange(ways))
    balance = check_balance(container.stop())
    assert balance["received"] == balance["transmitted"] == 2 * count, balance


def listed_drivers():
    """What the Dockerfile has the image hold, as EAL names them."""
    packages = re.search(r'^ARG DRIVERS="(.*?)"', (ROOT / "docker" / "Dockerfile").read_text(),
                         re.MULTILINE | re.DOTALL).group(1)
    return {re.sub("-?23$", "", name.removeprefix("librte-")).replace("-", "_") for name in packages.split()
            if name != "\\"}


@test(engine)
def the_image_loads_the_listed_drivers_and_no_others(work):
    image()
    told = shell("docker run --rm ringway --no-huge -l 0 --log-level lib.eal:debug -- --config /etc/ringway/replay.yaml",
                 status=69)
    loaded = set(re.findall(r"open shared lib \S*/librte_(\w+)\.so", told))
    shared = {name for name in loaded if name.startswith("common_")}  # by drivers of one maker
    assert loaded - shared == listed_drivers(), f"loaded, or listed: {(loaded - shared) ^ listed_drivers()}"


@test(engine)
def the_image_is_slim_and_not_roots(work):
    image()
    version = re.search(r"version: '(\S+)'", (ROOT / "meson.build").read_text()).group(1)
    assert version in shell(from_readme("--version"))
    config = json.loads(shell("docker inspect --format '{{json .Config}}' ringway"))
    assert (config["User"], config["Entrypoint"]) == (f"{USER}:{USER}", ["ringway"]), config
    assert config["Labels"]["org.opencontainers.image.title"] == "ringway", config
    told = shell("docker run --rm --entrypoint sh ringway -c 'command -v g++ meson ninja python3; ls -d /src'", status=2)
    assert not re.search("^/", told, re.MULTILINE), told


@test(engine)
def unit_and_eal_tests_pass_in_the_test_stage(work):
    told = shell(from_readme("--target test"), BUILD_S)
    assert re.search(r"Ok:\s+[1-9]", told) and re.search(r"Fail:\s+0\b", told), told[-2000:]


@test(engine)
def lab_ports_need_no_privilege(work):
    config = lab(LAB_SHAPES["two workers"], {}, rate="50kpps")
    with Container(work, from_readme("docker", "--network none"), config) as container:
        container.wait_until_forwarding()
        check_confined(container)
        time.sleep(1)
        assert check_traffic(container.stop(), "tx_full", "ring_full")["received"] > 1000


@test(engine, hugepages)
def hugepages_need_no_privilege_and_come_back(work):
    config = lab(LAB_SHAPES["run to completion"], {}, rate="50kpps")
    config["eal"] |= {"no_huge": False, "memory": 128}
    with reserved_hugepages(HUGEPAGES_WANTED) as free:
        before = free.read_text()
        with Container(work, from_readme("docker", "--network none"), config) as container:
            container.wait_until_forwarding()
            check_confined(container)
            assert all(not status["HugetlbPages"].startswith("0 ") for status in container.threads().values())
            check_traffic(container.stop(), "tx_full", "ring_full")
        assert free.read_text() == before, f"{free.read_text()} free, {before} before"


@test(engine, hugepages)
def privileged_with_hugepages_of_the_host_forwards(work):
    with reserved_hugepages(HUGEPAGES_WANTED), Rig("a", "b") as rig:
        config = rig.config(eal={"in_memory": False, "huge_unlink": True, "huge_dir": "/dev/hugepages"})
        mount = f"nsenter --mount={FOLDER}/ns/mount mount -t hugetlbfs none /dev/hugepages"  # for the lab alone
        with contextlib.ExitStack() as stack:
            if not os.path.exists("/dev/hugepages"):
                os.mkdir("/dev/hugepages")
                stack.callback(os.rmdir, "/dev/hugepages")
            line = from_readme("--privileged")
            container = stack.enter_context(Container(work, line, config, rig, before=mount))
            container.wait_until_forwarding()
            assert all(not status["HugetlbPages"].startswith("0 ") for status in container.threads().values())
            check_forwards(rig, container)


# How the user comes to have the capabilities, and which ones bound the container.
WAYS_IN = (("docker", "net_raw", "net_admin", "setuid", "setgid"), ("podman", "net_raw", "net_admin"))


@test(engine, each=WAYS_IN)
def af_packet_forwards_confined_by(work, *way_in):
    program, *capabilities = way_in
    with Rig("a", "b") as rig:
        line = from_readme(program + " run", "--cap-add NET_RAW", "--name ringway")
        with Container(work, line, rig.config(), rig) as container:
            container.wait_until_forwarding()
            check_confined(container, *capabilities)
            check_forwards(rig, container)


@test(engine)
def af_xdp_forwards_confined(work):
    need_af_xdp()
    capabilities = ("net_raw", "net_admin", "ipc_lock", "sys_admin")
    line = from_readme("docker", "--cap-add NET_RAW")
    line = line.replace("--cap-add NET_ADMIN", "--cap-add NET_ADMIN --cap-add IPC_LOCK --cap-add SYS_ADMIN")
    line = line.replace("+net_raw,+net_admin", ",".join(f"+{name}" for name in capabilities))
    with Rig("a", "b") as rig, Container(work, line, rig.config("net_af_xdp"), rig) as container:
        container.wait_until_forwarding()
        check_confined(container, *capabilities, "setuid", "setgid")
        check_forwards(rig, container)


@test(engine)
def docker_gives_capabilities_to_root_only(work):
    """What Docker would do with the podman command: the capabilities are in the bounding set alone."""
    with Rig("a", "b") as rig:
        line = from_readme("docker", "--cap-add NET_RAW").replace("--inh-caps +net_raw,+net_admin", "")
        line = line.replace("--ambient-caps +net_raw,+net_admin", "")
        with Container(work, line, rig.config(), rig) as container:
            check_status(container.finish(), 77, "this user may not")


@test(engine)
def tap_forwards_confined(work):
    with Rig() as rig:
        ports = {name: {"device": f"net_tap{i},iface=tap_{name}"} for i, name in enumerate(("east", "west"))}
        config = {"ports": ports, "eal": {"no_huge": True},
                  "forwarding": {"mode": "cross_connect", "pairs": [["east", "west"]]}}
        with Container(work, from_readme("/dev/net/tun"), config, rig) as container:
            container.wait_until_forwarding()
            check_confined(container, "net_admin", "setuid", "setgid")
            rig.hosts |= {name: Host(rig.middle, f"tap_{name}") for name in ports}
            east, west = rig.hosts["east"], rig.hosts["west"]
            frames = numbered_frames(random.Random(50), 200)
            for way in ((east, west), (west, east)):
                assert exchange([(*way, frames)]) == [frames]
            assert check_balance(container.stop())["received"] == 400


@test(engine)
def no_capability_is_left_in_any_thread_once_started(work):
    with Rig("a", "b") as rig:
        with Container(work, from_readme("docker", "--cap-add NET_RAW"), rig.config(), rig) as container:
            container.wait_until_forwarding()
            time.sleep(0.5)
            for thread, status in container.threads().items():
                held = {name: status[name] for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")
                        if int(status[name], 16)}
                assert not held, f"thread {thread} ({status['Name']}) still has {held}"


@test(engine)
def two_hosts_of_the_compose_lab_meet_through_ringway_only(work):
    image()
    ping = from_readme("compose", "ping")
    try:
        shell(from_readme("compose", "up"), BUILD_S)
        deadline = time.monotonic() + 60
        logs = from_readme("compose", "logs")
        while shell(logs).count("link up") < 2:
            assert time.monotonic() < deadline, shell(logs)
            time.sleep(0.5)
        assert " 0% packet loss" in shell(ping)
        shell("docker compose -f docker/compose.yaml stop ringway")
        report = json.loads(re.search(r"^\{$.*^\}$", shell(logs), re.MULTILINE | re.DOTALL).group())
        assert report["exit"] == 0 and report["balance"]["transmitted"] >= 6, report["balance"]
        assert " 100% packet loss" in shell(f"{ping} || true")  # podman-compose hides the status
    finally:
        shell(from_readme("compose", "down"))


def manifest():
    return list(yaml.safe_load_all((ROOT / "docker" / "kubernetes.yaml").read_text()))


@test(models)
def the_kubernetes_manifest_fits_the_models(work):
    for document in manifest():
        assert not (wrong := kubernetes_models.problems(document)), "\n".join(wrong)


# What is put wrong in the deployment's pod, and the path that must be told.
WRONG = ((lambda pod: pod.update(nodeSelektor={}), "nodeSelektor"),
         (lambda pod: pod["containers"][0].pop("name"), "containers[0]"),
         (lambda pod: pod["securityContext"].update(runAsUser="65532"), "securityContext.runAsUser"),
         (lambda pod: pod["containers"][0].update(stdin="no"), "containers[0].stdin"),
         (lambda pod: pod.update(volumes={}), "volumes"))


@test(models)
def what_is_wrong_in_a_manifest_is_told_with_its_path(work):
    for spoil, path in WRONG:
        _, deployment = manifest()
        spoil(deployment["spec"]["template"]["spec"])
        told = kubernetes_models.problems(deployment)
        assert len(told) == 1 and f"{path}: " in told[0], f"{path}: {told}"


@test(models)
def the_kubernetes_pod_is_guaranteed_and_confined(work):
    _, deployment = manifest()
    pod = deployment["spec"]["template"]["spec"]
    container = pod["containers"][0]
    resources = container["resources"]
    assert resources["requests"] == resources["limits"] and resources["limits"]["cpu"].isdigit(), resources
    assert {"memory", "hugepages-2Mi"} < resources["limits"].keys(), resources
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == USER, pod
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, pod
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                            "capabilities": {"drop": ["ALL"]}}, container


@test(models)
def the_kubernetes_configuration_is_valid(work):
    configuration, _ = manifest()
    for name, text in configuration["data"].items():
        check_status(run(work, "--config", write_config(work, text, name), "--check"), 0)


HARDENED = "--network none --read-only --cap-drop ALL --security-opt no-new-privileges"


@test(engine, models)
def the_kubernetes_command_plans_with_the_devices_it_is_given(work):
    """There are none of that address here, which must be what ringway tells."""
    image()
    configuration, deployment = manifest()
    write_config(work, configuration["data"]["ringway.yaml"], "ringway.yaml")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    addresses = {"LEFT": "0000:99:00.1", "RIGHT": "0000:99:00.2"}
    given = " ".join(f"--env PCIDEVICE_INTEL_COM_RINGWAY_{side}={address}" for side, address in addresses.items())
    entrypoint, *arguments = container["command"]
    with reserved_hugepages(HUGEPAGES_WANTED):
        told = shell(f"docker run --rm {HARDENED} --tmpfs /run/ringway:mode=1777 {given} "
                     f"--volume {work}/ringway.yaml:/etc/ringway/ringway.yaml:ro --entrypoint {entrypoint} ringway "
                     + shlex.join(arguments), status=69)
    assert all(address in told for address in addresses.values()) and "/run/ringway/ringway.yaml" in told, told


@test(engine, models)
def the_kubernetes_probe_tells_a_running_forwarder_from_another_process(work):
    _, deployment = manifest()
    probe = shlex.join(deployment["spec"]["template"]["spec"]["containers"][0]["startupProbe"]["exec"]["command"])
    config = lab(LAB_SHAPES["run to completion"], {}, rate="1kpps")
    with Container(work, from_readme("docker", "--network none"), config) as container:
        container.wait_until_forwarding()
        shell(f"docker exec ringway {probe}")
        container.stop()
    with Container(work, f"docker run --rm --name ringway {HARDENED} --entrypoint sleep ringway 60", config):
        deadline = time.monotonic() + 30
        while "true" not in shell("docker inspect --format '{{.State.Running}}' ringway || true"):
            assert time.monotonic() < deadline
        shell(f"docker exec ringway {probe}", status=1)


@test(unprivileged)
def the_tool_tells_how_it_is_used(work):
    for arguments, status, words in ((("--help",), 0, "Exit status"), ((), 2, "expected either"),
                                     (("--remove", "true"), 2, "expected either"), (("true",), 77, "needs root")):
        done = subprocess.run([*AS_NOBODY, LAB[0], *arguments], capture_output=True, text=True)
        assert done.returncode == status and words in done.stdout + done.stderr, f"{arguments}: {done}"


@test(engine)
def every_command_of_the_readme_was_run(work):
    if len(sys.argv) > 1:
        raise Skip("only some tests were chosen")
    assert not (missing := set(commands()) - run_so_far), "\n".join(missing)


@test(engine)
def nothing_is_left_of_the_lab(work):
    if KEPT:
        raise Skip("the lab is kept")
    image()
    shell("docker run --detach ringway --config /etc/ringway/demo.yaml")
    assert pathlib.Path("/run/netns", FOLDER.name).exists()
    remove()
    assert not FOLDER.exists() and not pathlib.Path("/run/netns", FOLDER.name).exists()
    assert str(FOLDER) not in pathlib.Path("/proc/self/mountinfo").read_text()
    assert not subprocess.run(["pgrep", "-f", str(FOLDER)], capture_output=True, text=True).stdout


if __name__ == "__main__":
    try:
        main()
    finally:
        remove()
