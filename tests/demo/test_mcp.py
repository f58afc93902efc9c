"""The endpoints as MCP tools, asked by the protocol's own client. Only where the package `mcp` is installed."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from gradio_client import Client

mcp = pytest.importorskip("mcp", reason="MCP tools are there only with gradio[mcp]")
TEXT = "The parcel came late and the price is too high."


def _ask(address: str, ask: Callable[[Any], Any]) -> Any:
    from mcp.client.streamable_http import streamablehttp_client

    async def session() -> Any:
        async with (
            streamablehttp_client(f"{address}gradio_api/mcp/") as (read, write, _),
            mcp.ClientSession(read, write) as client,
        ):
            await client.initialize()
            return await ask(client)

    return asyncio.run(session())


def test_the_tools_are_the_endpoints_and_say_what_they_take(address: str) -> None:
    tools = {tool.name: tool for tool in _ask(address, lambda client: client.list_tools()).tools}
    assert set(tools) == {"tasks", "classify", "classify_batch", "board"}
    assert tools["classify"].description.startswith("Classify one text")
    schema = tools["classify"].inputSchema
    assert schema["required"] == ["text", "task", "checkpoints"]
    assert schema["properties"]["text"]["description"] == "what to classify."


def test_a_tool_answers_as_its_endpoint_and_tells_a_mistake(address: str) -> None:
    question = {"text": TEXT, "task": "feedback", "checkpoints": ["alpha", "beta"]}
    told = _ask(address, lambda client: client.call_tool("classify", question))
    assert not told.isError
    answer = Client(address, verbose=False).predict(*question.values(), api_name="/classify")
    assert all(str(score) in told.content[0].text for each in answer["answers"] for score in each["scores"])
    wrong = _ask(address, lambda client: client.call_tool("classify", question | {"text": ""}))
    assert wrong.isError
    assert "There is no text" in wrong.content[0].text
