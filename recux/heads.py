"""Heads of requests under a time limit: a connection that says nothing, or trickles, is not held open for ever.

uvicorn bounds how long it waits between two requests, but not how long one may take to say what it wants.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 15.0


class Impatient(H11Protocol):
    """uvicorn's own protocol, which hangs up when a request's head is not there in time."""

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The clock runs from the first moment on."""
        super().connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        """The clock runs from a head's first byte to its last."""
        self._start()
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there to wait for."""
        self._stop()
        super().connection_lost(exc)

    def _start(self) -> None:
        if self._limit is None and self.conn.their_state is h11.IDLE:
            self._limit = self.loop.call_later(HEAD_SECONDS, self._hang_up)

    def _stop(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _hang_up(self) -> None:
        transport: Any = self.transport
        if not transport.is_closing() and self.conn.their_state is h11.IDLE:
            transport.close()
