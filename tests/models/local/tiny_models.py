"""Tiny Llamas with random weights, for tests of the local model that need no real one."""

import json
from pathlib import Path

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WITH_BOS = "{{ bos_token }}" + CHATML
USER_FIRST = (
    "{% set talk = messages[1:] if messages[0]['role'] == 'system' else messages %}"
    "{% if talk[0]['role'] != 'user' %}{{ raise_exception('the user must open') }}{% endif %}" + CHATML
)
DROPS_OPENING = "{% if messages[0]['role'] == 'assistant' %}{% set messages = messages[1:] %}{% endif %}" + CHATML
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + CHATML
SPECIAL = ["<s>", "<|im_start|>", "<|im_end|>", "<pad>"]
TEXT = ["I feel that you are tired.", 'a reply: {"items":{"1":2}}', "what would help you now? null"]


def tiny_tokenizer(template: str | None = WITH_BOS, *, adds_bos: bool = True) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of 300 tokens at most."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core.train_from_iterator(
        TEXT,
        trainers.BpeTrainer(vocab_size=300, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False),
    )
    if adds_bos:
        core.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        eos_token="<|im_end|>",
        pad_token="<pad>",
        additional_special_tokens=["<|im_start|>"],
    )
    tokenizer.chat_template = template
    return tokenizer


def tiny_network(*, context: int = 512) -> LlamaForCausalLM:
    """Two layers of width 32; weights large enough that the next token is no toss-up."""
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=304,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        initializer_range=0.4,
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=3,
        tie_word_embeddings=False,
    )
    return LlamaForCausalLM(config).eval()


def tiny_folder(folder: Path, template: str | None = WITH_BOS, *, adds_bos: bool = True, context: int = 512) -> Path:
    """A model folder as the hub would give it."""
    tiny_network(context=context).save_pretrained(folder)
    tiny_tokenizer(template, adds_bos=adds_bos).save_pretrained(folder)
    return folder


def tiny_gguf(path: Path) -> Path:
    """A GGUF file of the same shape with 8-bit weights."""
    writer = gguf.GGUFWriter(path, "llama")
    _write_settings(writer)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 2)
    for name, tensor in tiny_network().state_dict().items():
        values = tensor.numpy().astype(np.float32)
        kind = gguf.GGMLQuantizationType.Q8_0 if values.ndim == 2 else gguf.GGMLQuantizationType.F32
        written = names.get_name(name, try_suffixes=(".weight",))
        writer.add_tensor(str(written), gguf.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _write_settings(writer: gguf.GGUFWriter) -> None:
    writer.add_block_count(2)
    writer.add_context_length(512)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(8)
    writer.add_vocab_size(304)
    _write_tokenizer(writer)


def _write_tokenizer(writer: gguf.GGUFWriter) -> None:
    tokenizer = tiny_tokenizer()
    tokens = [str(tokenizer.convert_ids_to_tokens(number)) for number in range(len(tokenizer))]
    tokens += [f"<unused{number}>" for number in range(304 - len(tokens))]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_merges(_merges())
    writer.add_token_types([gguf.TokenType.CONTROL if t in SPECIAL else gguf.TokenType.NORMAL for t in tokens])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(3)
    writer.add_unk_token_id(0)
    writer.add_chat_template(CHATML)


def _merges() -> list[str]:
    merges = json.loads(tiny_tokenizer().backend_tokenizer.to_str())["model"]["merges"]
    return [" ".join(pair) if isinstance(pair, list) else pair for pair in merges]
