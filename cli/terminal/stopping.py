"""How a server of the command line ends: at Ctrl-C, or when its process is asked to end."""

import asyncio
import signal


def stop_signal() -> asyncio.Event:
    """Return an event that Ctrl-C and SIGTERM set. Must be called within a running event loop."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    return stop
