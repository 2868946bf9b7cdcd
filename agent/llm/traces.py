"""OpenTelemetry spans of turns with a model, off unless an address is set: LlamaIndex's own instrumentation by OpenInference."""

from __future__ import annotations

import threading

from kb.errors import SettingsError
from kb.settings import Settings

_lock = threading.Lock()
_started = False


def start_traces(settings: Settings) -> bool:
    """Sends spans of this process to `otlp_endpoint` from now on; whether it does. Raises `SettingsError` without the packages."""
    global _started
    if not settings.otlp_endpoint:
        return False
    with _lock:
        if _started:
            return True
        try:
            from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise SettingsError(
                f"ADVISOR_OTLP_ENDPOINT is set, but {error.name} is not installed; install llm-advisor[traces], or unset it"
            ) from None
        provider = TracerProvider(resource=Resource.create({"service.name": "llm-advisor"}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp_endpoint)))
        LlamaIndexInstrumentor().instrument(tracer_provider=provider)
        _started = True
        return True
