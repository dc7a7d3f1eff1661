#!/usr/bin/env python3
"""A run from start to stop: signals, time limits, rates, the report."""

import json
import math
import os
import pty
import re
import signal
import threading

import captures
from harness import (CROSSED, NULLS, SILENT, Ringway, check_balance, check_status, forward, forwarding_options, main,
                     run, test, write_config)

BALANCE = {"received", "cloned", "transmitted", "dropped", "in_flight", "unaccounted"}
PORT = {"rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "rx_missed", "rx_errors", "rx_no_mbuf", "tx_refused"}
LCORE = {"packets", "bursts", "busy_cycles", "idle_cycles", "voluntary_context_switches",
         "involuntary_context_switches"}
REPORT = {"balance", "ports", "drops", "copies", "pools", "rings", "lcores", "duration_s", "exit"}
REASONS = {"tx_full", "ring_full", "frame_too_short", "frame_too_long", "port_lost", "runt", "no_mbuf", "shutdown"}
RATES = {"rx_packets_per_s", "rx_bits_per_s", "tx_packets_per_s", "tx_bits_per_s"}


def json_values(text):
    """The JSON values of a stream one after another, each with the text that it was read from."""
    decoder, position, values = json.JSONDecoder(), 0, []
    while position < len(text):
        value, end = decoder.raw_decode(text, position)
        values.append((value, text[position:end]))
        position = end + len(text[end:]) - len(text[end:].lstrip())
    return values


@test(each=[(signal.SIGINT.name,), (signal.SIGTERM.name,)])
def stops_in_order_on(work, name):
    with Ringway(work, *forwarding_options(work, NULLS)) as ringway:
        ringway.wait_until_forwarding()
        ringway.process.send_signal(signal.Signals[name])
        ringway.finish(5)
    assert check_balance(ringway)["received"] > 0, ringway.report
    assert json.loads(ringway.out) == ringway.report, "standard output and the report differ"


@test()
def second_signal_ends_at_once(work):
    """Both are pending when the process goes on, and both are delivered before it looks at either."""
    with Ringway(work, *forwarding_options(work, SILENT)) as ringway:
        ringway.wait_until_forwarding().process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, ringway.process.pid, os.WSTOPPED | os.WNOWAIT)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
            ringway.process.send_signal(number)
        check_status(ringway.finish(5), 130)
    assert not ringway.report_path.exists()


@test()
def state_is_shown_on_sigusr1_and_forwarding_goes_on(work):
    with Ringway(work, *forwarding_options(work, NULLS)) as ringway:
        ringway.wait_until_forwarding().process.send_signal(signal.SIGUSR1)
        state = ringway.wait_for("- dropped").err
        shown = int(re.search(r"received +(\d+)", state).group(1))
        assert ringway.out == "", ringway.out
        balance = check_balance(ringway.stop())
    assert all(word in state for word in ("ports ", "lcores ", "east", "west", "balance after")), state
    assert state.count("\n") < 45, state  # one screen, the lines of the start included
    assert 0 <= shown < balance["received"], (shown, balance)


@test()
def duration_ends_the_run(work):
    ringway = forward(work, SILENT, "--duration", "0.7")
    check_balance(ringway)
    assert 0.7 <= ringway.report["duration_s"] < 2.5, ringway.report["duration_s"]


@test()
def stop_when_idle_ends_the_run_after_silence_only(work):
    options = ("--stop-when-idle", "0.4", "--duration", "1.2")
    check_balance(forward(work, SILENT, *options))
    ringway = forward(work, SILENT, *options)
    assert 0.4 <= ringway.report["duration_s"] < 1.2, ringway.report["duration_s"]
    busy = forward(work, NULLS, *options)
    check_balance(busy)
    assert busy.report["duration_s"] >= 1.2, busy.report["duration_s"]


@test()
def stats_are_a_line_of_json_each_interval_without_a_terminal(work):
    captures.write(work / "loop", [bytes(100)] * 64)
    ports = {"east": {"device": f"net_pcap0,rx_pcap={work}/loop,infinite_rx=1"}, "west": {"device": "net_null0"}}
    config = {**NULLS, "ports": ports, "forwarding": {**CROSSED, "pairs": [{"from": "east", "to": "west"}]}}
    ringway = run(work, "--config", write_config(work, config), "--duration", "1.1", "--stats", "0.25")
    check_status(ringway, 0)
    *rates, (report, _) = json_values(ringway.out)
    assert 2 <= len(rates) <= 4, ringway.out  # four are due; a busy machine may be late
    assert [value["time_s"] for value, _ in rates] == sorted({value["time_s"] for value, _ in rates}), rates
    for value, text in rates:
        assert "\n" not in text and set(value) == {"time_s", "ports", "drops", "lcores", "copies"}, text
        assert all(RATES <= set(port) for port in value["ports"].values()), text
        port = value["ports"]["east"]  # a frame takes 24 bytes more on the wire; the counters are read one by one
        assert math.isclose(port["rx_bits_per_s"], port["rx_packets_per_s"] * (100 + 24) * 8, rel_tol=0.01), port
        assert all(0 <= lcore["busy"] <= 1 for lcore in value["lcores"].values()), text
    assert sum(value["ports"]["east"]["rx_packets_per_s"] for value, _ in rates) > 0, rates
    assert set(report) >= REPORT, report


@test()
def stats_are_a_table_on_a_terminal(work):
    terminal, other_end = pty.openpty()
    shown = bytearray()

    def show():
        try:
            while text := os.read(terminal, 4096):
                shown.extend(text)
        except OSError:
            pass  # the other end was closed

    reader = threading.Thread(target=show)
    reader.start()
    options = ("--config", write_config(work, NULLS), "--duration", "1.1", "--stats", "0.25")
    with Ringway(work, *options, stdout=other_end) as ringway:
        os.close(other_end)
        check_status(ringway.finish(), 0)
    reader.join(10)
    os.close(terminal)
    text = shown.decode()
    assert 2 <= text.count("rx Mpps") <= 4, text
    assert re.search(r"\x1b\[\d+A\x1b\[J", text), text
    assert "balanced: every packet and every mbuf is accounted for" in text and "{" not in text, text


def poll(path, done, wrong):
    """Reads the file again and again, as a supervisor would."""
    while not done.is_set():
        try:
            json.loads(path.read_text())
        except FileNotFoundError:
            pass
        except ValueError as error:
            wrong.append(str(error))


@test()
def report_is_written_atomically(work):
    report = work / "report.json"
    done, wrong = threading.Event(), []
    reader = threading.Thread(target=poll, args=(report, done, wrong))
    reader.start()
    try:
        check_balance(forward(work, SILENT, "--duration", "0.05"))
        for _ in range(5):
            with open(report) as before:
                text = report.read_text()
                check_balance(forward(work, SILENT, "--duration", "0.05"))
                assert before.read() == text, "the old report was overwritten under its reader"
                assert report.read_text() != text, "the report was not renewed"
    finally:
        done.set()
        reader.join()
    assert not wrong, wrong
    left = sorted(path.name for path in work.iterdir())
    assert left == ["config.yaml", "report.json", "runtime", "stderr", "stdout"], left


@test()
def report_has_every_key(work):
    report = forward(work, NULLS, "--duration", "0.3").report
    assert set(report) == REPORT, set(report)
    assert set(report["balance"]) == BALANCE, report["balance"]
    assert set(report["ports"]) == {"east", "west"}, report["ports"]
    for port in report["ports"].values():
        assert PORT <= set(port), port  # and what is known of some drivers only
        assert port["rx_packets"] > 0 and port["tx_packets"] > 0, port
    assert REASONS <= set(report["drops"]), report["drops"]
    assert set(report["copies"]) - {"in_other_buffers"} == {"packets", "bytes", "by_reason"}, report["copies"]
    for pool in report["pools"].values():
        assert {"size", "free", "missing"} <= set(pool), pool
    assert report["lcores"] and all(set(lcore) == LCORE for lcore in report["lcores"].values()), report["lcores"]
    assert sum(lcore["packets"] for lcore in report["lcores"].values()) == report["balance"]["received"], report
    assert report["exit"] == 0 and report["duration_s"] > 0, report


if __name__ == "__main__":
    main()
