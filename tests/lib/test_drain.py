from __future__ import annotations

import os

from seqhub.lib import drain


def test_a_forked_process_hears_it() -> None:
    # In a child, so that this process stays unasked.
    pid = os.fork()
    if pid == 0:
        grandchild = os.fork()
        if grandchild == 0:
            while not drain.is_asked():
                pass
            os._exit(7)
        drain.ask()
        _, status = os.waitpid(grandchild, 0)
        os._exit(os.waitstatus_to_exitcode(status))
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 7
