"""Requests and answers of `/v1`, as OpenAI's clients send and read them, and what is ours beside them in `advisor`.

A field that this project knows and has no use for (temperature, seed ...) is accepted and changes nothing; one that would have to change
the answer (tools, n > 1, images, JSON mode) is refused; one that nobody knows is refused too.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_MESSAGES = 1000
MAX_QUESTION_CHARS = 8000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class TextPart(_Strict):
    """A part of a message."""

    type: Literal["text"]
    text: str


class RefusalPart(_Strict):
    """A part of an earlier answer of another model."""

    type: Literal["refusal"]
    refusal: str


Text = str | list[TextPart]


class SystemMessage(_Strict):
    """Read as data and otherwise ignored: what documents and catalog say cannot be changed by a prompt."""

    role: Literal["system", "developer"]
    content: Text
    name: str | None = None


class UserMessage(_Strict):
    """A question. The last message is the one that is answered."""

    role: Literal["user"]
    content: Text
    name: str | None = None


class AssistantMessage(_Strict):
    """An answer given earlier."""

    role: Literal["assistant"]
    content: str | list[TextPart | RefusalPart] | None = None
    name: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    annotations: list[Any] | None = None
    audio: None = None
    function_call: None = None
    tool_calls: Annotated[list[Any], Field(max_length=0)] | None = None


Message = Annotated[SystemMessage | UserMessage | AssistantMessage, Field(discriminator="role")]


class StreamOptions(_Strict):
    """Only with `stream`."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class TextFormat(_Strict):
    """The one format there is."""

    type: Literal["text"]


class ChatRequest(_Strict):
    """`POST /v1/chat/completions`."""

    model: Annotated[str, Field(max_length=200)]
    messages: Annotated[list[Message], Field(min_length=1, max_length=MAX_MESSAGES)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = Field(None, description="One answer a request.")
    tools: Annotated[list[Any], Field(max_length=0)] | None = Field(None, description="None: the advisor calls its own.")
    tool_choice: Literal["none", "auto"] | None = None
    parallel_tool_calls: bool | None = None
    functions: Annotated[list[Any], Field(max_length=0)] | None = None
    function_call: Literal["none", "auto"] | None = None
    response_format: TextFormat | None = None
    modalities: list[Literal["text"]] | None = None
    logprobs: Literal[False] | None = None
    top_logprobs: Literal[0] | None = None
    # Accepted and without effect: answers are calculated and quoted, not sampled.
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    logit_bias: dict[str, float] | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    service_tier: str | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None


class ErrorDetail(BaseModel):
    """What went wrong and where."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """Every failure."""

    error: ErrorDetail


class CitationOut(BaseModel):
    """What a mark `[n]` of the text stands for; `quote` occurs word for word in the source."""

    n: int
    source: str
    section: str
    lines: tuple[int, int]
    quote: str
    page: int | None = None
    sheet: str | None = None


class ClaimOut(BaseModel):
    """One side of a disagreement."""

    value: str
    source: str


class ConflictOut(BaseModel):
    """Claims that cannot all be right."""

    about: str
    claims: list[ClaimOut]
    verdict: str


class CalculationOut(BaseModel):
    """A tool that was run for the answer, with its arithmetic line by line where it has one."""

    name: str
    input: dict[str, Any]
    output: dict[str, Any]
    steps: list[str]


class AdvisorOut(BaseModel):
    """What this project says beside the text."""

    citations: list[CitationOut]
    conflicts: list[ConflictOut]
    calculations: list[CalculationOut]
    charts: list[dict[str, Any]]
    follow_ups: list[str]
    refused: bool
    mode: Literal["offline", "llm"]
    language: Literal["zh", "en"]
    notice: str
    unsupported_numbers: int
    usage_estimated: bool
    ms: float


class Usage(BaseModel):
    """Tokens: as the language model's service counts them; estimated from the texts where none was asked."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(BaseModel):
    """The answer as Markdown, its sources listed at the end."""

    role: Literal["assistant"]
    content: str
    refusal: None = None


class Choice(BaseModel):
    """The one choice."""

    index: int
    message: AnswerMessage
    logprobs: None = None
    finish_reason: Literal["stop"]


class ChatCompletion(BaseModel):
    """The answer to a request without `stream`."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    advisor: AdvisorOut


class ModelOut(BaseModel):
    """A model that can be named in a request."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    """`GET /v1/models`."""

    object: Literal["list"]
    data: list[ModelOut]
