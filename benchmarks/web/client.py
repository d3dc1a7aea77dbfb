"""A participant without a browser: Streamlit's own websocket messages, one answer at a time."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.BidiComponent_pb2 import BidiComponent
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import WebSocketException

PATIENCE = 30.0
"""Seconds that an answer may take before the run counts as stuck."""


@dataclass
class Person:
    """One open page. What the script run of a click must show before it counts is the caller's to say."""

    BROKEN: ClassVar = (WebSocketException,)
    """What a connection raises when its server dies."""
    url: str
    """``ws://host:port``."""
    page: str
    cookie: str = ""
    bytes_received: int = 0
    seen: dict[str, Any] = field(default_factory=dict)
    """Widget id of the board, and what it showed last."""
    socket: Any = None
    query: str = ""
    """The address's part behind the question mark."""
    source: str = ""
    """Own address to connect from, such as 127.0.7.1; empty leaves it to the system."""

    async def open(self) -> None:
        """Connect and run the page once."""
        headers = {"Cookie": self.cookie} if self.cookie else {}
        more = {"local_addr": (self.source, 0)} if self.source else {}
        self.socket = await websockets.connect(
            f"{self.url}/_stcore/stream",
            subprotocols=["streamlit"],
            additional_headers=headers,
            max_size=None,
            ping_interval=None,
            **more,
        )
        await self._run({}, lambda message: message.WhichOneof("type") == "script_finished")

    async def close(self) -> None:
        """Hang up."""
        if self.socket is not None:
            await self.socket.close()
            self.socket = None

    async def run(
        self, widget: Callable[[BackMsg], None], is_done: Callable[[ForwardMsg], bool], fragment: str = ""
    ) -> float:
        """Send one widget's change and read until ``is_done``; milliseconds in between."""
        return await self._run({"widget": widget, "fragment": fragment}, is_done)

    async def _run(self, what: dict[str, Any], is_done: Callable[[ForwardMsg], bool]) -> float:
        message = BackMsg()
        state = message.rerun_script
        state.page_name = "" if what else self.page
        state.page_script_hash = self.seen.get("page", "")
        state.query_string = self.query
        state.fragment_id = what.get("fragment", "")
        state.context_info.locale = "en-US"
        state.context_info.timezone = "UTC"
        if "widget" in what:
            what["widget"](message)
        else:
            state.SetInParent()
        began = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        async with asyncio.timeout(PATIENCE):
            while True:
                raw = await self.socket.recv()
                self.bytes_received += len(raw)
                answer = ForwardMsg.FromString(raw)
                self._note(answer)
                if is_done(answer):
                    return (time.perf_counter() - began) * 1000

    def _note(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "delta":
            self.seen["page"] = message.metadata.active_script_hash
        if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            what = element.WhichOneof("type")
            if what == "bidi_component":
                self._note_component(element.bidi_component, message.delta.fragment_id)
            if what == "feedback":
                self.seen["feedback"] = element.feedback.id
                self.seen["fragment"] = message.delta.fragment_id

    def _note_component(self, component: BidiComponent, fragment: str) -> None:
        data = json.loads(component.bytes or component.json)
        if component.component_name.endswith("recux_line"):
            self.seen |= {"board": component.id, "fragment": fragment, "data": data}
        elif component.component_name.endswith("recux_board"):
            questions = [question for section in data["sections"] for question in section["questions"]]
            self.seen["stars"] = [question["name"] for question in questions if question["kind"] == "stars"]

    @property
    def stars(self) -> list[str]:
        """Names of the questions with stars on the board."""
        names: list[str] = self.seen["stars"]
        return names

    async def rate(self, name: str, value: int) -> float:
        """Click a star on the board and wait until the server says that it is kept; milliseconds."""
        nonce = secrets.token_hex(6)
        saved = self.seen["data"]["saved"].get(name)
        change = {"value": value, "text": None, "refused": False, "base": saved and saved["revision"], "nonce": nonce}

        def widget(message: BackMsg) -> None:
            one = message.rerun_script.widget_states.widgets.add()
            one.id = self.seen["board"]
            one.json_value = json.dumps({"pending": {name: change}})

        def is_kept(_message: ForwardMsg) -> bool:
            data = self.seen["data"]
            return data["settled"].get(name) == nonce and (data["saved"].get(name) or {}).get("value") == value

        return await self.run(widget, is_kept, self.seen["fragment"])

    async def rate_bare(self, value: int) -> float:
        """Click the star of the bare page and wait for its "saved"; milliseconds."""

        def widget(message: BackMsg) -> None:
            one = message.rerun_script.widget_states.widgets.add()
            one.id = self.seen["feedback"]
            one.string_value = str(value - 1)

        def is_kept(message: ForwardMsg) -> bool:
            return message.WhichOneof("type") == "delta" and message.delta.new_element.text.body == f"saved {value}"

        return await self.run(widget, is_kept, self.seen["fragment"])
