"""The MCP server: a handful of tools with schemas and descriptions for a model. The same over HTTP and over stdin and stdout."""

# No postponed annotations here: the package reads the tools' types, which are local to a function.
import asyncio
import logging
from collections.abc import Callable
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ToolAnnotations
from pydantic import Field

from agent.session import Advisor
from channels.api.asking import Asker
from channels.api.errors import ApiError
from channels.api.guard import LOCAL, Policy
from channels.api.hosts import Hosts
from channels.api.schema import MAX_QUESTION_CHARS
from channels.mcp import results, tools
from kb.errors import AdvisorError

log = logging.getLogger("advisor")
CHANNEL = "mcp"
MAX_BODY_BYTES = 1_000_000
INSTRUCTIONS = """Facts, prices, costs and sizing of large language models from this team's own documents and catalog.
Use `ask` for a question in words, in Chinese or English: its answer is checked, cited and calculated by code. Use the other tools for
one fact or one figure. Copy amounts as the user wrote them, with units (1亿, 30M, 8K): code reads them. Never multiply yourself.
Quote the sources. Where `conflicts` is not empty, the sources disagree: say so. Where `refused` is true, the sources do not say."""

Model = Annotated[str, Field(description="A model's name as the user wrote it, e.g. GPT-5.1, 通义千问, deepseek r3", max_length=200)]
Amount = Annotated[str, Field(description="A quantity as the user wrote it, with its unit, e.g. 1亿, 30M, 8K, 1,500,000", max_length=100)]


def build_server(advisor: Callable[[], Advisor], asker: Asker, policy: Policy) -> MCPServer[Any]:
    """The server over an advisor, which may still be opening. `policy` limits how often a key may ask."""
    server: MCPServer[Any] = MCPServer("llm-advisor", title="LLM Advisor", instructions=INSTRUCTIONS, log_level="WARNING")
    logging.getLogger("mcp").setLevel(logging.WARNING)
    looks = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

    async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
        """Its result; what a model may learn of a failure is a `ToolError`."""
        try:
            return await asyncio.to_thread(function, *arguments)
        except AdvisorError as error:
            raise ToolError(str(error)) from None

    @server.tool(title="Ask the advisor", annotations=looks)
    async def ask(
        context: Context,
        question: Annotated[str, Field(description="The whole question in the user's words and language", max_length=MAX_QUESTION_CHARS)],
        history: Annotated[
            list[results.Turn],
            Field(description="Earlier questions of this conversation, oldest first, if the question refers to them", max_length=50),
        ] = [],  # noqa: B006  (the schema needs it, and nothing changes it)
    ) -> results.Answer:
        """Answer a question about choosing, comparing, pricing or deploying language models, with citations and calculations.

        Use it for anything in words: recommendations, comparisons, several conditions, budgets, follow-up questions. Quote its figures as
        they are.
        """
        try:
            await policy.take(_caller(context), question=True)
            turns = [(turn.question, turn.answer) for turn in history]
            return tools.answer_of(await asker.ask(question, turns, channel=CHANNEL))
        except ApiError as error:
            raise ToolError(error.message) from None

    @server.tool(title="Search the documents", annotations=looks)
    async def search_documents(
        query: Annotated[str, Field(description="What to look for, in Chinese or English", min_length=1, max_length=1000)],
        limit: Annotated[int, Field(description="How many passages", ge=1, le=20)] = 5,
    ) -> results.Passages:
        """Find passages in the team's documents: the original wording with file, section and lines.

        Use it to read what a document says; use `ask` for an answer.
        """
        return await in_thread(lambda: tools.search(advisor(), query, limit))  # type: ignore[no-any-return]

    @server.tool(title="Look up a model", annotations=looks)
    async def look_up_model(
        model: Model,
        fields: Annotated[
            list[str],
            Field(
                description="Only these, e.g. input_price, output_price, context_window, openness, license, channels; empty: all",
                max_length=60,
            ),
        ] = [],  # noqa: B006
    ) -> results.ModelFacts:
        """Everything that the sources state about one model, each value with its source, and where they disagree."""
        return await in_thread(lambda: tools.model_facts(advisor(), model, fields))  # type: ignore[no-any-return]

    @server.tool(title="API cost", annotations=looks)
    async def api_cost(
        models: Annotated[list[Model], Field(description="One model, or several to compare", min_length=1, max_length=20)],
        input_tokens: Amount = "0",
        output_tokens: Amount = "0",
        request_tokens: Annotated[
            str, Field(description="Length of one prompt, where the price depends on it; empty: the lowest tier", max_length=100)
        ] = "",
    ) -> results.Costs:
        """What a volume of tokens costs on each model at the prices in the sources, exactly, each in its own currency.

        A model without a price has a `problem` instead: report that, and do not take a price from memory.
        """
        return await in_thread(lambda: tools.costs(advisor(), models, input_tokens, output_tokens, request_tokens))  # type: ignore[no-any-return]

    @server.tool(title="Size a deployment", annotations=looks)
    async def size_deployment(
        model: Annotated[str, Field(description="An open model or a size: Qwen2.5-72B, 70B", max_length=200)],
        gpu: Annotated[str, Field(description="A card, e.g. A100 80GB, H20, 910B; empty: recommend one", max_length=100)] = "",
        context_tokens: Amount = "4096",
        concurrency: Annotated[str, Field(description="Sessions at the same time, e.g. 50", max_length=100)] = "1",
        dtype: Annotated[str, Field(description="Weights, with a card: bf16, fp8, int8, int4", max_length=20)] = "bf16",
    ) -> results.Sizing:
        """Cards that serve a model on own hardware: memory of weights and KV cache, how many cards, what limits them. An estimate."""
        return await in_thread(tools.size, model, gpu, context_tokens, concurrency, dtype)  # type: ignore[no-any-return]

    async def calculate(
        kind: Annotated[str, Field(description="The calculator", max_length=60)],
        inputs: Annotated[dict[str, Any], Field(description="Its inputs; amounts may be text with units, e.g. 60万")],
    ) -> results.Calculated:
        return await in_thread(tools.calculated, kind, inputs)  # type: ignore[no-any-return]

    about = "One calculation with given inputs: throughput, latency, break-even, total cost, budget, energy, training memory ...\n\n"
    server.add_tool(calculate, title="Calculate", annotations=looks, description=about + tools.calculators())
    return server


def _caller(context: Context) -> str:
    """The name of the key that asks; over stdin and stdout there is none."""
    request = context.request_context.request
    return str(request.scope.get("state", {}).get("caller", LOCAL)) if request is not None else LOCAL


def make_http(server: MCPServer[Any], hosts: Hosts) -> MCPServer[Any]:
    """The server ready for HTTP, without sessions: any replica answers any request, and nothing keeps a connection open."""
    names = list(hosts.names)
    hosts_allowed = [form for name in names for form in _forms(name)]
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=bool(names),
        allowed_hosts=hosts_allowed,
        allowed_origins=[f"{scheme}://{form}" for scheme in ("http", "https") for form in hosts_allowed],
    )
    server.streamable_http_app(stateless_http=True, max_request_body_size=MAX_BODY_BYTES, transport_security=security)
    return server


def _forms(name: str) -> tuple[str, str]:
    """A name with and without a port."""
    host = f"[{name}]" if ":" in name else name
    return host, f"{host}:*"
