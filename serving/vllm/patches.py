"""Where steering takes hold in vLLM: its start, its door, its prefix cache, and its passes.

vLLM has no hooks of its own for this, so a few of its methods are wrapped, each in the process that it works in. What
is wrapped is looked for by name, and a version that has it no more is refused.
"""

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

from cocoon.core.errors import CocoonError
from cocoon.core.model_spec import ARGUMENT_PREFIX, STEERING_REFUSAL
from cocoon.serving.vllm.passes import RowPart, SteeredPasses, steered
from cocoon.serving.vllm.requests import ServedDirections, Steering

Method = Callable[..., Any]


_WRAPPED = set[Any]()


def install(directions: ServedDirections) -> None:
    """Load the directions, and wrap what steering needs in this process of vLLM."""
    _or_exit(directions.load)
    for (module, path), wrapper in _WRAPPERS.items():
        _wrap(module, path, lambda method, wrapper=wrapper: wrapper(method, directions))


def _or_exit(step: Callable[[], Any]) -> Any:
    """Return what a step at the start returns, or end the process with one line."""
    try:
        return step()
    except CocoonError as error:
        raise SystemExit(f"{STEERING_REFUSAL}{error}") from None


def _wrap(module: str, path: str, wrapper: Callable[[Method], Method]) -> None:
    """Put a wrapper around a function of a module, or around a method of one of its classes."""
    owner: Any = import_module(module)
    *above, name = path.split(".")
    for part in above:
        owner = getattr(owner, part, None)
    method = getattr(owner, name, None)
    if method is None:
        raise SystemExit(
            f"{STEERING_REFUSAL}this version of vLLM has no {module}.{path}; take 0.32, with which it was tried"
        )
    if method not in _WRAPPED:
        wrapped = wraps(method)(wrapper(method))
        _WRAPPED.add(wrapped)
        setattr(owner, name, wrapped)


def _at_start(method: Method, directions: ServedDirections) -> Method:
    """Refuse to start with settings under which steering would be wrong or without effect."""

    def create_engine_config(*arguments: Any, **keywords: Any) -> Any:
        config = method(*arguments, **keywords)
        text = config.model_config.hf_text_config
        _or_exit(lambda: refuse_engine_settings(config))
        number = _or_exit(lambda: directions.fit(text.num_hidden_layers, text.hidden_size))
        print(f"{STEERING_REFUSAL}{number} directions", flush=True)
        module = "vllm.entrypoints.openai.chat_completion.protocol"
        _wrap(module, "ChatCompletionRequest.to_beam_search_params", _without_beams)
        return config

    return create_engine_config


def refuse_engine_settings(config: Any) -> None:
    """Raise CocoonError for a setting of vLLM with which a direction is not added, or not where it was asked."""
    parallel = config.parallel_config
    problems = {
        "compiled graphs leave hooks out; add --enforce-eager": not config.model_config.enforce_eager,
        "a worker would hold only some of the layers; leave --pipeline-parallel-size out": (
            parallel.pipeline_parallel_size > 1
        ),
        "tokens that were only guessed would be steered as if they stood there; leave --speculative-config out": (
            config.speculative_config is not None
        ),
        "the second model runner is not known to it; set VLLM_USE_V2_MODEL_RUNNER=0": config.use_v2_model_runner,
        "a cache outside of vLLM does not know what was steered; leave --kv-transfer-config out": (
            config.kv_transfer_config is not None
        ),
        "a batch that is cut in two is not known to it; leave --enable-dbo out": bool(
            getattr(parallel, "use_ubatching", False)
        ),
        "a row that is spread over devices is not known to it; leave context parallel out": (
            getattr(parallel, "prefill_context_parallel_size", 1) > 1
        ),
    }
    for problem, is_there in problems.items():
        if is_there:
            raise CocoonError(problem)


def _without_beams(method: Method) -> Method:
    def to_beam_search_params(request: Any, *arguments: Any, **keywords: Any) -> Any:
        if any(name.startswith(ARGUMENT_PREFIX) for name in request.vllm_xargs or {}):
            raise _refusal("beams are not followed; leave use_beam_search out")
        return method(request, *arguments, **keywords)

    return to_beam_search_params


def _at_door(method: Method, directions: ServedDirections) -> Method:
    """Refuse a request that cannot be honoured, with the reason in the answer."""

    def process_inputs(*arguments: Any, **keywords: Any) -> Any:
        request = method(*arguments, **keywords)
        try:
            if _steering(directions, request) is not None and (
                request.prompt_embeds is not None or request.resumable or request.mm_features
            ):
                raise CocoonError("only prompts of text that is all there are followed")
        except CocoonError as error:
            raise _refusal(str(error)) from None
        return request

    return process_inputs


def _refusal(problem: str) -> Exception:
    """Return the error that vLLM answers as a bad request."""
    return import_module("vllm.exceptions").VLLMValidationError(f"{STEERING_REFUSAL}{problem}", parameter="vllm_xargs")


def _steering(directions: ServedDirections, request: Any) -> Steering | None:
    parameters = request.sampling_params
    return directions.of_request(parameters.extra_args) if parameters is not None else None


def _in_cache(method: Method, directions: ServedDirections) -> Method:
    """Keep blocks of the prefix cache apart that were steered otherwise."""

    def generate_block_hash_extra_keys(request: Any, start: int, end: int, *arguments: Any) -> Any:
        keys, index = method(request, start, end, *arguments)
        steering = _steering(directions, request)
        own = None if steering is None else steering.cache_key(request.num_prompt_tokens, end)
        return (keys, index) if own is None else ((*(keys or ()), ("cocoon_steering", own)), index)

    return generate_block_hash_extra_keys


def _in_worker(method: Method, directions: ServedDirections) -> Method:
    """Add directions in every pass of the worker's model runner, which knows whose tokens stand where."""

    def init_device(wrapper: Any, *arguments: Any, **keywords: Any) -> Any:
        result = method(wrapper, *arguments, **keywords)
        steer_runner(wrapper.worker.model_runner, directions)
        return result

    return init_device


def steer_runner(runner: Any, directions: ServedDirections) -> None:
    """Wrap the two steps of a model runner between which a batch's tokens are known."""
    passes = SteeredPasses(directions)
    prepare, forward = runner._prepare_inputs, runner._model_forward

    def prepare_inputs(scheduler_output: Any, counts: Any, *arguments: Any) -> Any:
        result = prepare(scheduler_output, counts, *arguments)
        batch = runner.input_batch
        rows = zip(batch.req_ids, batch.num_computed_tokens_cpu, counts, strict=False)
        passes.parts = [RowPart(name, int(first), int(count)) for name, first, count in rows]
        return result

    def model_forward(input_ids: Any = None, positions: Any = None, **keywords: Any) -> Any:
        width = positions.shape[-1]
        doses = passes.doses(runner.requests, width, lambda: runner.input_ids.gpu[:width].cpu().numpy())
        with steered(runner.model, doses):
            return forward(input_ids=input_ids, positions=positions, **keywords)

    runner._prepare_inputs, runner._model_forward = prepare_inputs, model_forward


_WRAPPERS: dict[tuple[str, str], Callable[[Method, ServedDirections], Method]] = {
    ("vllm.engine.arg_utils", "EngineArgs.create_engine_config"): _at_start,
    ("vllm.v1.engine.input_processor", "InputProcessor.process_inputs"): _at_door,
    ("vllm.v1.core.kv_cache_utils", "generate_block_hash_extra_keys"): _in_cache,
    ("vllm.v1.core.block_pool", "generate_block_hash_extra_keys"): _in_cache,
    ("vllm.v1.worker.worker_base", "WorkerWrapperBase.init_device"): _in_worker,
}
