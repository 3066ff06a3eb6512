"""The loop of the process that forks kernels: requests first, work ahead while there is none."""

import itertools
import socket
from pathlib import Path

import pytest

from elnes_lab.dashboard.serving import kernel_fork


@pytest.mark.parametrize("broken", [False, True])
def test_work_is_done_while_nobody_asks_and_never_keeps_a_request_from_its_answer(monkeypatch, capsys, broken):
    monkeypatch.setattr(kernel_fork, "IDLE", 0.05)
    ours, theirs = socket.socketpair()
    done = []

    def work():
        for item in range(4):
            done.append(item)
            if item == 1:
                ours.sendall(b"two\n")  # comes while the work is under way
            if item == 3:
                ours.sendall(b"three\n")
                if broken:
                    raise OSError("no such file")
            yield str(item)

    waited = []
    plain = kernel_fork.select.select
    monkeypatch.setattr(kernel_fork.select, "select", lambda *where: waited.append(where[-1]) or plain(*where))
    with theirs, theirs.makefile("r") as lines:
        asked = kernel_fork.requested(theirs, lines, work())
        ours.sendall(b"one\n")
        assert next(asked) == "one\n" and done == []
        assert next(asked) == "two\n" and done == [0, 1]
        assert waited == [0.05, 0.05, 0, 0]  # for the visitor of "one"; then it works without a pause
        assert next(asked) == "three\n" and done == [0, 1, 2, 3]
        ours.close()
        assert list(asked) == []
    assert ("no such file" in capsys.readouterr().err) == broken


@pytest.mark.skipif(not kernel_fork.AVAILABLE, reason="kernels are forked on Linux only")
def test_ports_of_kernels_are_free_never_given_twice_and_none_that_a_connection_gets():
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    given = list(itertools.islice(kernel_fork.free_ports(first - 1000), 300))
    assert len(set(given)) == 300 and all(first - 1000 <= port < first for port in given)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", given[0]))
        assert given[0] not in itertools.islice(kernel_fork.free_ports(first - 1000), 900)
